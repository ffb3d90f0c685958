import { expect, it } from "vitest";
import { toHostName } from "./host-name.ts";

it.each([
  ["Sprout.Example", "sprout.example"],
  ["sprout.example.", "sprout.example"],
  ["192.0.2.1", "192.0.2.1"],
])("toHostName spells %s as %s", (name, expected) => {
  expect(toHostName(name)).toBe(expected);
});
