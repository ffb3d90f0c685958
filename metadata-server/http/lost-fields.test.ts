import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLostFields } from "./lost-fields.ts";

const repeated = (names: readonly string[]) => `{${names.flatMap((name) => [`"${name}":1`, `"${name}":2`]).join(",")}}`;
const all = (count: number) => ({
  pointer: "",
  detail: `Expected each field once, and none named "__proto__", got ${count}`,
});
const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);

describe("findLostFields", () => {
  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', []],
    ['{"a":"\\"b\\":1,","b":"{\\"a\\":1}"}', []],
    ['{"a":1,"a":2,"a":3}', [{ pointer: "/a", detail: "Expected one value, got several" }]],
    ['{"l":[0,{"x/y":1,"x/y":2}]}', [{ pointer: "/l/1/x~1y", detail: "Expected one value, got several" }]],
    ['{"a":{"__proto__":{"b":1}}}', [{ pointer: "/a/__proto__", detail: 'Expected another name, got "__proto__"' }]],
  ])("finds what JSON.parse would lose in %s", (text, errors) => {
    expect(findLostFields(text)).toEqual(errors);
  });

  it("lists the first 20 fields, and says how many there are if there are more", () => {
    expect(findLostFields(repeated(names(20)))).toHaveLength(20);
    const errors = findLostFields(repeated(names(21)));
    expect(errors.slice(0, 20).map(({ pointer }) => pointer)).toEqual(names(20).map((name) => `/${name}`));
    expect(errors.slice(20)).toEqual([all(21)]);
    expect(findLostFields(`[${'{"__proto__":1},'.repeat(9999)}1]`).at(-1)).toEqual(all(9999));
  });

  it("only counts a field whose pointer is longer than 1000 characters", () => {
    const text = `{"${"x".repeat(1000)}":${repeated(["a"])},"b":1,"b":2}`;
    expect(findLostFields(text)).toEqual([{ pointer: "/b", detail: "Expected one value, got several" }, all(2)]);
  });

  const withoutPrototypes = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));

  it("finds nothing in the output of JSON.stringify, with any spacing", () => {
    fc.assert(
      fc.property(withoutPrototypes, fc.integer({ min: 0, max: 3 }), (value, spaces) => {
        expect(findLostFields(JSON.stringify(value, null, spaces))).toEqual([]);
      }),
    );
  });

  it("finds every name that is given twice, at any depth", () => {
    fc.assert(
      fc.property(fc.string(), withoutPrototypes, fc.array(withoutPrototypes), (name, value, before) => {
        fc.pre(name !== "__proto__");
        const pair = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
        const list = [...before.map((item) => JSON.stringify(item)), `{${pair},${pair}}`];
        const pointer = `/${before.length}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        expect(findLostFields(`[${list.join(",")}]`)).toEqual([{ pointer, detail: "Expected one value, got several" }]);
      }),
    );
  });
});
