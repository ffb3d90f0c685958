import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { leftOut } from "./left-out.ts";

it("CONTRIBUTING.md names everything that schemathesis leaves out, and why", async () => {
  const page = await readFile(join(import.meta.dirname, "../../CONTRIBUTING.md"), "utf8");
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const named = rows.map(([, operation, , reason]) => `${operation}: ${reason}`);
  expect(named).toEqual(expect.arrayContaining(leftOut.map(({ operation, reason }) => `\`${operation}\`: ${reason}`)));
});
