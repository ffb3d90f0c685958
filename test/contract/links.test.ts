import { glob, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { exists } from "#lib/files.ts";

const project = join(import.meta.dirname, "../..");
const patterns = ["*.md", ".github/**/*.md", "docs/**/*.md"];
const pages = await Array.fromAsync(glob(patterns, { cwd: project }));

/** Lines outside of code; a line of code is empty, so that line numbers stay. */
async function proseOf(page: string): Promise<string[]> {
  let isCode = false;
  return (await readFile(join(project, page), "utf8")).split("\n").map((line) => {
    const isFence = /^\s*```/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode ? "" : line;
  });
}

/** As GitHub makes them: https://github.com/gjtorikian/html-pipeline/blob/main/lib/html_pipeline/node_filter */
const toAnchor = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");

async function anchorsOf(page: string): Promise<string[]> {
  const headings = (await proseOf(page)).flatMap((line) => /^#+ +(.+)$/.exec(line)?.[1] ?? []);
  return headings.map((heading) => toAnchor(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")));
}

const isInProject = (path: string) => exists(join(project, path));

async function hasTarget(page: string, link: string): Promise<boolean> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : relative(project, join(project, dirname(page), path));
  if (!(await isInProject(target))) return false;
  return anchor === undefined || (await anchorsOf(target)).includes(anchor);
}

/** `page:line: what was found` for each match of the pattern's first group that `isGood` refuses. */
async function findBad(
  page: string,
  { pattern, isGood }: { pattern: RegExp; isGood: (found: string) => Promise<boolean> },
): Promise<string[]> {
  const found = (await proseOf(page)).flatMap((line, index) =>
    [...line.matchAll(pattern)].flatMap(([, match]) =>
      match === undefined ? [] : { match, at: `${page}:${index + 1}` },
    ),
  );
  const judged = await Promise.all(
    found.map(async ({ match, at }) => ((await isGood(match)) ? [] : `${at}: ${match}`)),
  );
  return judged.flat();
}

describe.each(pages)("%s", (page) => {
  it("has only links with a target", async () => {
    const isGood = async (link: string) => /^[a-z]+:/.test(link) || hasTarget(page, link);
    expect(await findBad(page, { pattern: /`[^`]*`|\]\(([^)\s]+)\)/g, isGood })).toEqual([]);
  });
});

describe.each(["CONTRIBUTING.md", "docs/architecture.md"])("%s", (page) => {
  it("names only files of the project that exist", async () => {
    const houses = ["", "metadata-server", "bootstrapper"];
    const isGood = async (path: string) =>
      (await Promise.all(houses.map((house) => exists(join(house, path))))).includes(true);
    expect(await findBad(page, { pattern: /`([a-z.-]+\/[\w./@-]+\.[a-z]+)`/g, isGood })).toEqual([]);
  });
});
