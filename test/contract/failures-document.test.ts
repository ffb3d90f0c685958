import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const project = join(import.meta.dirname, "../..");
const text = await readFile(join(project, "docs/failures.md"), "utf8");

describe("docs/failures.md", () => {
  it("names a test in each of its entries, or says unverified", () => {
    const entries = text
      .slice(text.indexOf("\n## "))
      .split(/\n(?=- )|\n\n/)
      .filter((part) => part.startsWith("- "));
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter((entry) => !/`[^`]+\.test\.ts`|\*\*unverified\*\*/.test(entry))).toEqual([]);
  });

  it("names only tests that exist", async () => {
    const named = new Set([...text.matchAll(/`([^` ]+\.test\.ts)`/g)].map(([, file = ""]) => file));
    const found = await Promise.all(
      [...named].map(async (file) => [file, (await Array.fromAsync(glob(file, { cwd: project }))).length] as const),
    );
    expect(found.filter(([, count]) => count === 0)).toEqual([]);
  });
});
