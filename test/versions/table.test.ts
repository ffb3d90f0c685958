import { describe, expect, it } from "vitest";
import { renderTable } from "./table.ts";

describe("renderTable", () => {
  it("gives the median and the worst of each measure", () => {
    const times = { version: "v1.37.2", ready: [5, 6, 9], dns: [8, 8.5, 12], joined: [7, 7.5, 35.7], reboot: 20 };
    expect(renderTable([times]).split("\n")[2]).toBe(
      "| v1.37.2 | 3.7.0 | 1.14.6 | 2.4.2 | 6.0 (9.0) | 8.5 (12.0) | 7.5 (35.7) | 20.0 |",
    );
  });
});
