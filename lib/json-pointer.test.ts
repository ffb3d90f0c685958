import { describe, expect, it } from "vitest";
import { toJsonPointer } from "./json-pointer.ts";

describe("toJsonPointer", () => {
  it.each<[PropertyKey[], string]>([
    [[], ""],
    [[""], "/"],
    [["nodes"], "/nodes"],
    [["disks", 0, "name"], "/disks/0/name"],
    [["a/b~c"], "/a~1b~0c"],
    [["~1"], "/~01"],
  ])("writes %j as %j", (path, pointer) => {
    expect(toJsonPointer(path)).toBe(pointer);
  });
});
