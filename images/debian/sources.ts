import { readFile } from "node:fs/promises";
import { run } from "#lib/run.ts";

/** One archive of Debian packages that this host already uses. */
export interface DebianSource {
  uri: string;
  suite: string;
  component: string;
}

/** Values of `--debian`: the releases that an image can be made of, by number, and their code names. */
export const debianReleases = { "12": "bookworm", "13": "trixie" } as const;
export type DebianRelease = keyof typeof debianReleases;
export const defaultDebianRelease: DebianRelease = "13";

export interface DebianSources {
  /** Debian's code name, such as `bookworm`. */
  codename: string;
  sources: DebianSource[];
}

const columns = ["REPO_URI", "RELEASE", "COMPONENT", "ORIGIN"];

/**
 * Returns the host's Debian sources, in whatever format they are written: apt itself reads them. Leaves out other
 * vendors' archives. Throws if the host has no Debian source.
 */
export async function findHostSources({ signal }: { signal: AbortSignal }): Promise<DebianSources> {
  const codename = parseCodename(await readFile("/etc/os-release", "utf8"));
  const format = columns.map((column) => `$(${column})`).join("|");
  const output = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], { signal });
  return { codename, sources: parseIndexTargets(output, codename) };
}

/** Returns the same archives' sources for another release; suites have its name (`trixie`, `trixie-updates`, …). */
export function toRelease({ codename, sources }: DebianSources, release: DebianRelease): DebianSources {
  const wanted = debianReleases[release];
  return {
    codename: wanted,
    sources: sources.map((source) => ({ ...source, suite: source.suite.replace(codename, wanted) })),
  };
}

export function parseCodename(osRelease: string): string {
  const id = /^ID="?([^"\n]+)"?$/m.exec(osRelease)?.[1];
  const codename = /^VERSION_CODENAME="?([^"\n]+)"?$/m.exec(osRelease)?.[1];
  if (id !== "debian" || codename === undefined)
    throw new Error(`Cannot bake an image: this host is "${id ?? "unknown"}"; bake on Debian`);
  return codename;
}

/** Parses one `uri|suite|component|origin` a line; the origin is empty until an archive's lists have been fetched. */
export function parseIndexTargets(output: string, codename: string): DebianSource[] {
  const suites = new Set([codename, `${codename}-updates`, `${codename}-security`]);
  const found = output
    .split("\n")
    .map((line) => line.split("|"))
    .filter(([, suite = "", component, origin = ""]) => {
      return suites.has(suite) && component === "main" && (origin === "Debian" || origin.startsWith("$("));
    })
    .map(([uri = "", suite = ""]) => ({ uri, suite, component: "main" }));
  const unique = [...new Map(found.map((source) => [toSourceLine("deb", source), source])).values()];
  if (!unique.some(({ suite }) => suite === codename))
    throw new Error(`Cannot bake an image: apt has no Debian source for "${codename} main"; add one to /etc/apt`);
  return unique;
}

export const toSourceLine = (kind: "deb" | "deb-src", { uri, suite, component }: DebianSource) =>
  `${kind} ${uri} ${suite} ${component}`;
