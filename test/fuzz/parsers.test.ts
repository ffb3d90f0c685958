import { describe, expect, it } from "vitest";
import { ConfigError } from "../../metadata-server/config.ts";
import { fuzzParser } from "./fuzz-parser.ts";
import { parsers } from "./parsers.ts";

const refuse = (message: string) => () => {
  throw new ConfigError(message);
};

describe("fuzzParser", () => {
  it.each(parsers.map((parser) => [parser.name, parser] as const))(
    "finds nothing but refusals, in time, in a few runs: %s",
    async (_, parser) => {
      const seed = Math.trunc(Math.random() * 2 ** 31);
      const { failure } = await fuzzParser(parser, { seed, forMs: 30_000, maxRuns: 30 });
      expect(failure).toBeUndefined();
    },
  );

  it("takes every sample", async () => {
    for (const parser of parsers)
      for (const sample of parser.samples)
        expect([parser.name, await parser.parse(sample)]).not.toEqual([parser.name, undefined]);
  });

  const broken = { name: "broken", samples: ["x"], maxLength: 100, limitMs: 1000 };

  it.each([
    ["hangs", () => new Promise(() => undefined), /timeout/],
    ["rejects with a defect", () => Promise.reject(new TypeError("a defect")), /^TypeError: a defect$/],
    ["refuses with a message that moves the cursor", refuse("a\u001b[2J"), /message holds/],
    ["refuses without a message", refuse(" "), /has no message/],
  ])("returns a failure of a parser that %s", async (_, parse, reason) => {
    const options = { seed: 1, forMs: 10_000, hangMs: 100, maxRuns: 1 };
    expect((await fuzzParser({ ...broken, parse }, options)).failure?.reason).toMatch(reason);
  });

  it("returns what repeats a failure", async () => {
    const parser = {
      ...broken,
      parse(text: string) {
        if (text.length > 1) throw new TypeError("a defect");
      },
    };
    const { failure } = await fuzzParser(parser, { seed: 1, forMs: 10_000 });
    expect(failure).toMatchObject({ parser: "broken", seed: 1, reason: "TypeError: a defect" });
    const again = await fuzzParser(parser, { seed: 1, path: failure?.path ?? "", forMs: 10_000 });
    expect(again.failure?.reason).toBe("TypeError: a defect");
  });
});
