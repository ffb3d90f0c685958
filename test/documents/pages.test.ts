import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pages } from "./pages.ts";

describe("Generated pages", () => {
  it.each(pages)("$file is what the code says", async ({ file, render }) => {
    const committed = await readFile(join(import.meta.dirname, "../..", file), "utf8");
    expect(committed, `${file} is out of date; run: npm run docs`).toBe(await render());
  });
});
