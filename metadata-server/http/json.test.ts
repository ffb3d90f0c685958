import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLostFields } from "./json.ts";

describe("findLostFields", () => {
  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', []],
    ['{"a":"\\"b\\":1,","b":"{\\"a\\":1}"}', []],
    ['{"a":1,"a":2,"a":3}', [{ pointer: "/a", detail: "is given twice" }]],
    ['{"l":[0,{"x/y":1,"x/y":2}]}', [{ pointer: "/l/1/x~1y", detail: "is given twice" }]],
    ['{"a":{"__proto__":{"b":1}}}', [{ pointer: "/a/__proto__", detail: "is not possible as a name" }]],
  ])("%s", (text, errors) => {
    expect(findLostFields(text)).toEqual(errors);
  });

  const withoutPrototypes = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));

  it("finds nothing in what JSON.stringify wrote, however it is spaced", () => {
    fc.assert(
      fc.property(withoutPrototypes, fc.integer({ min: 0, max: 3 }), (value, spaces) => {
        expect(findLostFields(JSON.stringify(value, null, spaces))).toEqual([]);
      }),
    );
  });

  it("finds every name that is written twice, wherever it lies", () => {
    fc.assert(
      fc.property(fc.string(), withoutPrototypes, fc.array(withoutPrototypes), (name, value, before) => {
        fc.pre(name !== "__proto__");
        const pair = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
        const list = [...before.map((item) => JSON.stringify(item)), `{${pair},${pair}}`];
        const pointer = `/${before.length}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        expect(findLostFields(`[${list.join(",")}]`)).toEqual([{ pointer, detail: "is given twice" }]);
      }),
    );
  });
});
