import { describe, expect, it } from "vitest";
import { renderTable, replaceTable } from "./table.ts";

describe("renderTable", () => {
  it("gives the median and the worst of each measure", () => {
    const times = { version: "v1.37.2", ready: [5, 6, 9], dns: [8, 8.5, 12], joined: [7, 7.5, 35.7], reboot: 20 };
    expect(renderTable([times]).split("\n")[2]).toBe(
      "| v1.37.2 | 3.7.0 | 1.14.6 | 2.4.2 | 6.0 (9.0) | 8.5 (12.0) | 7.5 (35.7) | 20.0 |",
    );
  });
});

describe("replaceTable", () => {
  const document = "a\n<!-- npm run versions: begin -->\nold\n<!-- npm run versions: end -->\nb\n";
  it("replaces the text between the marks and nothing else", () => {
    expect(replaceTable(document, "new\n")).toBe(
      "a\n<!-- npm run versions: begin -->\n\nnew\n\n<!-- npm run versions: end -->\nb\n",
    );
  });
  it("refuses a document without marks", () => {
    expect(() => replaceTable("a\n", "new\n")).toThrow("Cannot write the table");
  });
});
