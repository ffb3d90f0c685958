import { expect, it } from "vitest";
import { createStyle } from "./style.ts";
import { renderTable, truncate, visibleWidth } from "./table.ts";

it("columns are as wide as their widest cell, without trailing spaces", () => {
  expect(
    renderTable(
      ["name", "state"],
      [
        ["build126", "ready"],
        ["b", ""],
      ],
    ),
  ).toBe("NAME      STATE\nbuild126  ready\nb\n");
});

it("colours do not move a column", () => {
  const style = createStyle(true);
  const table = renderTable(
    ["state", "nodes"],
    [
      [style("green", "ready"), "4"],
      ["bootstrapping", "5"],
    ],
  );
  expect(table.split("\n").map(visibleWidth)).toEqual([20, 16, 16, 0]);
  expect(table).toContain("\u001b[32mready\u001b[39m          4");
});

it("a text that is too long ends with an ellipsis", () => {
  expect(truncate("preflight", 9)).toBe("preflight");
  expect(truncate("preflight", 5)).toBe("pref…");
  expect(truncate("preflight", 0)).toBe("…");
});
