import { describe, expect, it } from "vitest";
import { replaceBetween } from "./replace-between.ts";

const document = "a\n<!-- npm run x: begin -->\nold\n<!-- npm run x: end -->\nb\n";

describe("replaceBetween", () => {
  it("replaces the text between the marks and nothing else", () => {
    expect(replaceBetween(document, "npm run x", "new\n")).toBe(
      "a\n<!-- npm run x: begin -->\n\nnew\n\n<!-- npm run x: end -->\nb\n",
    );
  });

  it("refuses a document without marks, or with those of another text", () => {
    expect(() => replaceBetween("a\n", "npm run x", "new\n")).toThrow("Cannot write into the document");
    expect(() => replaceBetween(document, "npm run y", "new\n")).toThrow('lacks "<!-- npm run y: begin -->"');
  });
});
