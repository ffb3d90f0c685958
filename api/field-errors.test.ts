import { describe, expect, it } from "vitest";
import { type core, z } from "zod";
import { type FieldOptions, formatFieldErrors, mismatch, parseFields } from "./field-errors.ts";

const everything: FieldOptions = { mayQuote: () => true };
const lines = (schema: z.ZodType, value: unknown, options = everything) =>
  (parseFields(schema, value, options).errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`);

/** Cases for every code of zod: without a case, a new code does not compile. */
const ofCode: Record<core.$ZodIssueCode, [z.ZodType, unknown, string][]> = {
  invalid_type: [
    [z.string(), undefined, " Expected text, got nothing"],
    [z.string().min(1).max(32), 5, " Expected text of 1 to 32 characters, got 5"],
    [z.int().min(1).max(5000), "2", ' Expected a whole number from 1 to 5000, got "2"'],
    [z.int().min(1).max(5000), 1.5, " Expected a whole number from 1 to 5000, got 1.5"],
    [z.number(), Number.POSITIVE_INFINITY, " Expected a number, got Infinity"],
    [z.boolean(), null, " Expected true or false, got null"],
    [z.array(z.string()).max(2), {}, " Expected a list of at most 2 items, got an object"],
    [z.object({}), [1], " Expected an object, got a list"],
    [z.record(z.string(), z.string()), [], " Expected an object, got an empty list"],
    [z.bigint(), 1, " Expected a bigint, got 1"],
    [z.ipv4(), 1, " Expected an IPv4 address, got 1"],
    [z.object({ a: z.object({ b: z.string() }) }), { a: {} }, "/a/b Expected text, got nothing"],
  ],
  too_small: [
    [z.int().min(1).max(5000), 0, " Expected a whole number from 1 to 5000, got 0"],
    [z.int().min(60), 59, " Expected a whole number of at least 60, got 59"],
    [z.int().positive(), 0, " Expected a whole number of at least 1, got 0"],
    [z.number().positive(), 0, " Expected a number above 0, got 0"],
    [z.number().positive().max(9), 0, " Expected a number above 0 and of at most 9, got 0"],
    [z.string().min(1), "", " Expected text of at least 1 character, got 0 characters"],
    [z.array(z.int()).min(1), [], " Expected a list of at least 1 item, got 0 items"],
    [z.string().min(2), "a", " Expected text of at least 2 characters, got 1 character"],
    [z.string().transform(Number).pipe(z.int().min(1)), "0", ' Expected a whole number of at least 1, got "0"'],
    [z.set(z.int()).min(1), new Set(), " Expected a set of at least 1, got an object"],
  ],
  too_big: [
    [z.int(), 1e300, " Expected a whole number of at most 9007199254740991, got 1e+300"],
    [z.number().lt(0), 0, " Expected a number below 0, got 0"],
    [z.string().max(2), "😀😀😀", " Expected text of at most 2 characters, got 3 characters"],
    [z.string().length(2), "abc", " Expected text of 2 characters, got 3 characters"],
    [z.array(z.int()).min(1).max(2), [1, 2, 3], " Expected a list of 1 to 2 items, got 3 items"],
  ],
  invalid_format: [
    [z.url(), "x", ' Expected a URL, got "x"'],
    [z.iso.datetime(), "now", ' Expected a time such as 2026-01-31T12:00:00Z, got "now"'],
    [z.email(), "x", ' Expected text in the format email, got "x"'],
    [z.string().regex(/^a$/), "b", ' Expected text that matches /^a$/, got "b"'],
    [z.string().startsWith("/"), "b", ' Expected text that starts with "/", got "b"'],
    [z.string().endsWith("/"), "b", ' Expected text that ends with "/", got "b"'],
    [z.string().includes("/"), "b", ' Expected text with "/", got "b"'],
    [z.string("a word").max(2).regex(/^a/), "bcd", ' Expected a word, got 3 characters| Expected a word, got "bcd"'],
  ],
  not_multiple_of: [[z.number().multipleOf(5), 3, " Expected a multiple of 5, got 3"]],
  unrecognized_keys: [
    [z.strictObject({}), { "a/b": 1, c: 2 }, "/a~1b Unknown field|/c Unknown field"],
    [z.record(z.enum(["a"]), z.string()), { a: "", b: "" }, "/b Unknown field"],
  ],
  invalid_union: [
    [z.union([z.string(), z.int()]), null, " Expected text or a whole number, got null"],
    [z.union([z.ipv4(), z.ipv6()], "an IP address"), "x", ' Expected an IP address, got "x"'],
    [z.union([z.int(), z.array(z.string("a name"))]), [1], "/0 Expected a name, got 1"],
    [z.discriminatedUnion("k", [z.object({ k: z.literal("a") })]), {}, '/k Expected "a", got nothing'],
    [z.discriminatedUnion("k", [z.object({ k: z.literal("a") })]), { k: 1 }, '/k Expected "a", got 1'],
    [z.xor([z.string(), z.string()]), "x", ' Expected another value, got "x"'],
    [z.union([]), "x", ' Expected another value, got "x"'],
  ],
  invalid_key: [
    [z.record(z.string().min(1), z.int()), { "": 1 }, '/ Expected text of at least 1 character, got ""'],
    [z.map(z.object({}), z.int()), new Map([[[], 1]]), " Expected an object, got an object"],
  ],
  invalid_element: [[z.map(z.object({}), z.int()), new Map([[{}, "x"]]), " Expected a whole number, got an object"]],
  invalid_value: [
    [z.enum(["a", "b", "c"]), "d", ' Expected "a", "b", or "c", got "d"'],
    [z.literal(true), 1, " Expected true, got 1"],
    [z.literal(undefined), 1, " Expected undefined, got 1"],
  ],
  custom: [
    [z.string().refine(() => false, "an even day"), "x", ' Expected an even day, got "x"'],
    [z.string().refine(() => false), "x", ' Expected another value, got "x"'],
    [
      z.object({}).refine(() => false, { error: "a or b", path: ["a"], params: { got: "neither" } }),
      {},
      "/a Expected a or b, got neither",
    ],
  ],
};

describe("parseFields", () => {
  it.each(Object.entries(ofCode).flatMap(([code, cases]) => cases.map((each) => [code, ...each] as const)))(
    "says what is wrong with %s (%#)",
    (code, schema, value, text) => {
      const { error } = schema.safeParse(value);
      expect(error?.issues.map((issue) => issue.code)).toContain(code);
      expect(lines(schema, value)).toEqual(text.split("|"));
    },
  );

  it("returns the parsed value", () => {
    expect(parseFields(z.object({ a: z.int().default(1) }), {})).toEqual({ data: { a: 1 } });
  });

  it("quotes no value by default, but says that one is missing", () => {
    const schema = z.strictObject({ token: z.int(), name: z.string() });
    expect(lines(schema, { token: "s3cret", x: "s3cret" }, {})).toEqual([
      "/token Expected a whole number",
      "/name Expected text, got nothing",
      "/x Unknown field",
    ]);
  });

  it("quotes only values at paths that may be quoted", () => {
    const options = { mayQuote: ([field]: readonly PropertyKey[]) => field === "open" };
    expect(lines(z.record(z.string(), z.int()), { open: "a", shut: "b" }, options)).toEqual([
      '/open Expected a whole number, got "a"',
      "/shut Expected a whole number",
    ]);
  });

  it("quotes the whole of a text that the schema splits", () => {
    const list = z.preprocess((text) => String(text).split(","), z.array(z.ipv4("an IPv4 address")));
    expect(lines(z.object({ list }), { list: "10.0.0.1,x" })).toEqual([
      '/list/1 Expected an IPv4 address, got "10.0.0.1,x"',
    ]);
  });

  it("reads no value from a prototype", () => {
    expect(lines(z.object({ constructor: z.string() }), {})).toEqual(["/constructor Expected text, got nothing"]);
  });
});

describe("mismatch", () => {
  it("quotes the value", () => {
    expect(mismatch("an IPv4 CIDR such as 10.244.0.0/16", "10.244")).toBe(
      'Expected an IPv4 CIDR such as 10.244.0.0/16, got "10.244"',
    );
  });
});

describe("formatFieldErrors", () => {
  it("writes one printable line, without a pointer for the whole document", () => {
    const errors = [
      { pointer: "", detail: "Expected an object" },
      { pointer: "/a\u001B", detail: "Unknown field" },
    ];
    expect(formatFieldErrors(errors)).toBe(String.raw`Expected an object; /a\u001b: Unknown field`);
  });
});
