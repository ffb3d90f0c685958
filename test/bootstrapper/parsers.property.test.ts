import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { Credentials } from "#api/credentials.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { Report } from "#api/report.ts";
import { Seed } from "#api/seed.ts";
import { checkMetadata } from "../../bootstrapper/check/check-metadata.ts";
import { BootstrapError } from "../../bootstrapper/errors.ts";
import { firstCredentials, firstMetadata, pem, workerCredentials, workerMetadata } from "../fixtures/node-documents.ts";
import { parseJson } from "../../bootstrapper/parse.ts";
import { parseKernelCommandLine } from "../../bootstrapper/sources/kernel-command-line.ts";

const seed = {
  server: "https://10.77.255.254:8443",
  ca: pem("CERTIFICATE", "ca"),
  capability: "c".repeat(43),
  mac: "52:54:00:12:34:56",
  address: "10.77.0.14",
};
const report = { allocation: workerMetadata.allocation, sequence: 1, phase: "claim", state: "done" };

/** A valid document, and its schema. */
const documents: [string, z.ZodType, object][] = [
  ["a seed", Seed, seed],
  ["a worker's metadata", NodeMetadata, workerMetadata],
  ["the first control plane's metadata", NodeMetadata, firstMetadata],
  ["a worker's credentials", Credentials, workerCredentials],
  ["a control plane's credentials", Credentials, firstCredentials],
  ["a report", Report, report],
];

/** Every place in a document, as a path. */
const placesOf = (value: unknown): string[][] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[key], ...placesOf(inner).map((place) => [key, ...place])])
    : [];

function changed(value: unknown, [key, ...rest]: string[], change: (at: object, key: string) => void): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  if (rest.length === 0) change(copy, key!);
  else copy[key!] = changed(copy[key!], rest, change);
  return Array.isArray(value) ? Object.values(copy) : copy;
}

/** What a parser makes of a text: its answer, or the only kind of error that it may throw. */
function outcome<T>(parse: () => T): { value: T } | { problem: string } {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof BootstrapError && error.code === "invalid-input") return { problem: error.message };
    throw error;
  }
}

describe.each(documents)("parseJson for %s", (_, schema, document) => {
  const parse = (value: unknown) => outcome(() => parseJson(schema, JSON.stringify(value), "it"));
  const place = fc.constantFrom(...placesOf(document));

  it("returns a valid document unchanged", () => {
    expect(parse(document)).toEqual({ value: document });
  });

  it("throws only a named error that quotes no value, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const { problem } = outcome(() => parseJson(schema, text, "it")) as { problem: string };
        expect(problem).toMatch(/^Cannot use it: /);
      }),
    );
  });

  it("refuses an unknown field anywhere", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^x[a-z]{8}$/), (name) => {
        const path = `/${name}: Unknown field`;
        expect(parse({ ...document, [name]: 1 })).toEqual({ problem: `Cannot use it: ${path}` });
      }),
    );
  });

  it("refuses a wrong value anywhere, and names its place", () => {
    fc.assert(
      fc.property(place, fc.constantFrom(null, true, [[]], { x: {} }, "\u0000", Number.MIN_VALUE), (at, wrong) => {
        const bad = changed(document, at, (object, key) => Object.assign(object, { [key]: wrong }));
        const result = parse(bad);
        if ("value" in result) expect(JSON.stringify(result.value)).toBe(JSON.stringify(bad));
        else expect(result.problem).toContain(`/${at[0]!.replaceAll("/", "~1")}`);
      }),
    );
  });

  it("rejects every truncation of a valid document", () => {
    const text = JSON.stringify(document);
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        const { problem } = outcome(() => parseJson(schema, text.slice(0, length), "it")) as { problem: string };
        const why = length === 0 ? /^it is empty$/ : /^it is truncated or not JSON( \(line \d+ column \d+\))?$/;
        expect(problem.replace("Cannot use it: ", "")).toMatch(why);
      }),
    );
  });
});

describe("parseKernelCommandLine", () => {
  const capability = "c".repeat(43);
  const word = fc.stringMatching(/^[a-z][a-z0-9._=,/:-]{0,20}$/).filter((text) => !text.startsWith("sprout."));

  it("finds Sprout's options among any others, in any order, with any space between", () => {
    const words = [
      "sprout.server=https://ms:8443",
      `sprout.capability=${capability}`,
      `sprout.ca-sha256=${"a".repeat(64)}`,
    ];
    const space = fc.constantFrom(" ", "  ", "\t", "\n");
    fc.assert(
      fc.property(fc.shuffledSubarray(words, { minLength: 3 }), fc.array(word), space, (own, others, between) => {
        const text = [...others, ...own, ...others].join(between);
        expect(parseKernelCommandLine(text)).toEqual({
          server: "https://ms:8443",
          capability,
          caSha256: "a".repeat(64),
        });
      }),
    );
  });

  it("throws only a named error, for any line", () => {
    const piece = fc.oneof(
      word,
      fc.string(),
      fc.string().map((text) => `sprout.${text}`),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const result = outcome(() => parseKernelCommandLine(pieces.join(" ")));
        if ("problem" in result) expect(result.problem).toMatch(/^Cannot use kernel command line: sprout\./);
        else expect(result.value).toBeUndefined();
      }),
    );
  });
});

describe("checkMetadata", () => {
  const octet = fc.nat(255);
  const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));

  it("throws only a named error, for any document that the schema accepts", () => {
    fc.assert(
      fc.property(address, fc.nat(32), address, fc.nat(9999), (own, prefix, pods, minor) => {
        const metadata = NodeMetadata.parse({
          ...workerMetadata,
          cluster: { ...workerMetadata.cluster, kubernetesVersion: `v1.${minor}.0` },
          self: { ...workerMetadata.self, address: own, podCidr: `${pods}/${prefix}` },
        });
        const { problem = "" } = outcome(() => checkMetadata(metadata)) as { problem?: string };
        expect(problem).toMatch(/^$|^Cannot use metadata: \//);
      }),
    );
  });
});
