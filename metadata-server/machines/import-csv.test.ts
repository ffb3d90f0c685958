import { describe, expect, it } from "vitest";
import type { DomainError } from "../errors.ts";
import { parseCsv } from "./import-csv.ts";

const rowsOf = (text: string) => parseCsv(text).map(({ line, cells }) => [line, Object.fromEntries(cells)]);
function problemsOf(text: string) {
  try {
    return { rows: parseCsv(text) };
  } catch (error) {
    return (error as DomainError).errors.map(({ pointer, detail }) => `${pointer}: ${detail}`);
  }
}

describe("parseCsv", () => {
  it.each([
    ["a byte order mark and CRLF", "\uFEFFA, b \r\n1,2\r\n", [[2, { a: "1", b: "2" }]]],
    ["no line end after the last row", "a,b\n1,2", [[2, { a: "1", b: "2" }]]],
    ["an empty cell, left out", "a,b\n1,\n", [[2, { a: "1" }]]],
    [
      "CR alone as line end",
      "a,b\r1,2\r3,4\r",
      [
        [2, { a: "1", b: "2" }],
        [3, { a: "3", b: "4" }],
      ],
    ],
    ["an empty row at the end", "a,b\n1,2\n,\n", [[2, { a: "1", b: "2" }]]],
    ["empty rows of any length in the middle", 'a,b\n,\n"", \n,,,,\n\t\n1,2\n', [[6, { a: "1", b: "2" }]]],
    ["an empty row above the headings", ",\na,b\n1,2\n", [[3, { a: "1", b: "2" }]]],
    [
      "empty columns at the right, whether rows have them or not",
      'a,b, ,\n1,2,,""\n3,4\n5,6,\n',
      [
        [2, { a: "1", b: "2" }],
        [3, { a: "3", b: "4" }],
        [4, { a: "5", b: "6" }],
      ],
    ],
    ["an empty column between two others", "a,,b\n1,,2\n", [[2, { a: "1", b: "2" }]]],
    ["empty cells beyond the headings", "a,b\n1,2,, \n", [[2, { a: "1", b: "2" }]]],
    ["doubled quotes", 'a\n"x ""y"" z"\n', [[2, { a: 'x "y" z' }]]],
    [
      "a heading named __proto__",
      "a,__proto__\n1,2\n",
      [
        [
          2,
          Object.fromEntries([
            ["a", "1"],
            ["__proto__", "2"],
          ]),
        ],
      ],
    ],
  ])("reads %s", (_what, text, rows) => {
    expect(rowsOf(text)).toEqual(rows);
  });

  it("counts every line, also blank ones and those inside a cell", () => {
    expect(rowsOf('a,b\r"x\ry",2\r\r,\r3,4')).toEqual([
      [2, { a: "x\ry", b: "2" }],
      [6, { a: "3", b: "4" }],
    ]);
    expect(rowsOf('a,b\r\n"x\r\ny\r\n",2\r\n3,4')).toEqual([
      [2, { a: "x\r\ny", b: "2" }],
      [5, { a: "3", b: "4" }],
    ]);
    expect(rowsOf('a,b\r\n\r\n"x\ny\nz",2\r\n3,4')).toEqual([
      [3, { a: "x\ny\nz", b: "2" }],
      [6, { a: "3", b: "4" }],
    ]);
  });

  it.each([
    ["nothing", "", [": Expected rows below the headings, got none"]],
    ["headings alone", "a,b\n", [": Expected rows below the headings, got none"]],
    ["headings above nothing but empty rows", "a,b\n,\n\n , \n", [": Expected rows below the headings, got none"]],
    [
      "a column with a cell and without a heading",
      "\na,,b,\n1,,2,\n1,x,2,\n1,y,2,z\n",
      [
        "/2: Expected a heading for each column with cells, got none for column 2",
        "/2: Expected a heading for each column with cells, got none for column 4",
      ],
    ],
    [
      "a cell beyond all columns, and a cell too few",
      "a,,b,\n1,,2,,x,\n1,2\n1,\n",
      [
        "/1: Expected a heading for each column with cells, got none for column 2",
        "/2: Expected 3 cells, one for each heading, got 5",
        "/3: Expected 3 cells, one for each heading, got 2",
        "/4: Expected 3 cells, one for each heading, got 2",
      ],
    ],
    ["a heading twice", "a,b,A\n1,2,3\n", ['/1: Expected each column once, got "a" twice']],
    [
      "too few and too many cells",
      "a,b\n1\n1,2\n1,2,3\n",
      ["/2: Expected 2 cells, one for each heading, got 1", "/4: Expected 2 cells, one for each heading, got 3"],
    ],
    [
      "a quote inside a cell",
      'a,b\n1,2\n1,x"y\n',
      ["/3: Expected closed quotes around whole cells, got others in column 2"],
    ],
    [
      "text after a closing quote",
      'a,b\n"1"x,2\n',
      ["/2: Expected closed quotes around whole cells, got others in column 1"],
    ],
    [
      "a quote that never ends",
      'a,b\n1,2\n1,"x\n3,4\n5,6\n',
      ["/3: Expected closed quotes around whole cells, got others in column 2"],
    ],
    ["too many rows", `a\n${"1\n".repeat(10_001)}`, [": Expected at most 10000 rows, got 10001"]],
  ])("refuses %s", (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });
});
