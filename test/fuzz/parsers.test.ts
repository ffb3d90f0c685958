import { describe, expect, it } from "vitest";
import { fuzzParser } from "./fuzz-parser.ts";
import { parsers } from "./parsers.ts";

describe("fuzzParser", () => {
  it.each(parsers.map((parser) => [parser.name, parser] as const))(
    "finds nothing but refusals, in time, in a few runs: %s",
    (_, parser) => {
      const seed = Math.trunc(Math.random() * 2 ** 31);
      const { failure } = fuzzParser(parser, { seed, forMs: 30_000, maxRuns: 30 });
      expect(failure).toBeUndefined();
    },
  );

  it("takes every sample", () => {
    for (const parser of parsers)
      for (const sample of parser.samples)
        expect([parser.name, parser.parse(sample)]).not.toEqual([parser.name, undefined]);
  });

  const broken = { name: "broken", samples: ["x"], maxLength: 100, limitMs: 1000 };

  it("returns what repeats a failure", () => {
    const parser = {
      ...broken,
      parse(text: string) {
        if (text.length > 1) throw new TypeError("a defect");
      },
    };
    const { failure } = fuzzParser(parser, { seed: 1, forMs: 10_000 });
    expect(failure).toMatchObject({ parser: "broken", seed: 1, reason: "TypeError: a defect" });
    const again = fuzzParser(parser, { seed: 1, path: failure?.path ?? "", forMs: 10_000 });
    expect(again.failure?.reason).toBe("TypeError: a defect");
  });
});
