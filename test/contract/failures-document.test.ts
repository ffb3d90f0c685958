import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const project = join(import.meta.dirname, "../..");

test("docs/failures.md has a test that exists, or the word unverified, in each of its rows", async () => {
  const text = await readFile(join(project, "docs/failures.md"), "utf8");
  const rows = text.split("\n").filter((line) => /^\| (?!what fails|-)/.test(line));
  expect(rows.length).toBeGreaterThan(50);
  const untested = rows.filter((row) => !/`[^`]+\.test\.ts`|\*?unverified\*? *\|$/.test(row));
  expect(untested).toEqual([]);
  const named = new Set([...text.matchAll(/`([^` ]+\.test\.ts)`/g)].map(([, file = ""]) => file));
  const found = await Promise.all(
    [...named].map(async (file) => [file, (await Array.fromAsync(glob(file, { cwd: project }))).length] as const),
  );
  expect(found.filter(([, count]) => count === 0)).toEqual([]);
});
