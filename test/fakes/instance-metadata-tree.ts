/** The dated versions that EC2 has (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html). */
const versions = (
  "1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01 2009-04-04 2011-01-01 2011-05-01 " +
  "2012-01-12 2014-02-25 2014-11-05 2015-10-20 2016-04-19 2016-06-30 2016-09-02 2018-03-28 2018-08-17 2018-09-24 " +
  "2019-10-01 2020-10-27 2021-01-03 2021-03-23 2021-07-15 2022-09-24 latest"
).split(" ");

/** Texts by their paths below a version: `user-data`, `meta-data/instance-id`. */
export type InstanceDocuments = Readonly<Record<string, string | undefined>>;

/**
 * EC2's answer to a path; undefined if there is none. A directory answers its listing with and without a trailing slash;
 * listings below a version mark directories by a slash. Here all versions are equal; EC2's are not.
 */
export function readTree(documents: InstanceDocuments, path: string): string | undefined {
  const [version = "", ...rest] = path.replace(/^\//, "").split("/");
  if (path === "/") return versions.join("\n");
  if (!versions.includes(version)) return undefined;
  const below = rest.join("/");
  const paths = Object.keys(documents).filter((name) => documents[name] !== undefined);
  if (paths.includes(below)) return documents[below];
  const directory = below === "" || below.endsWith("/") ? below : `${below}/`;
  const inside = paths.filter((name) => name.startsWith(directory)).map((name) => name.slice(directory.length));
  if (inside.length === 0) return undefined;
  const mark = directory === "" ? "" : "/";
  return [...new Set(inside.map((name) => name.replace(/\/.*/, mark)))].toSorted().join("\n");
}
