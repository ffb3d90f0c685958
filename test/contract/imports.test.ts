import { glob, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type House, parseHouses, refusalOf } from "./import-rules.ts";

const project = join(import.meta.dirname, "../..");
const folders = ["api", "bootstrapper", "cli", "images", "lib", "metadata-server", "templates", "test"];

/** Static, dynamic and type-only imports and re-exports of files of the project, with their lines. */
const importsOf = (file: string, text: string) =>
  text.split("\n").flatMap((line, index) =>
    [...line.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(?<specifier>[#.][^"]*)"/g)].map(({ groups }) => {
      const specifier = groups?.["specifier"] ?? "";
      const to = specifier.startsWith("#") ? specifier.slice(1) : normalize(join(dirname(file), specifier));
      return { from: file, line: index + 1, to };
    }),
  );

/** Tests may import everything; so the tables hold for what is shipped. */
const isProduct = (file: string) => !file.endsWith(".test.ts") && !file.startsWith("test/");

describe("the tables of docs/architecture.md", () => {
  let houses: House[];
  const refusals = (file: string, text: string) =>
    importsOf(file, text).flatMap(({ from, line, to }) => {
      const refusal = refusalOf({ from, to }, houses);
      return refusal === null ? [] : [`${from}:${line}: ${refusal}`];
    });

  beforeAll(async () => {
    houses = parseHouses(await readFile(join(project, "docs/architecture.md"), "utf8"));
  });

  it("describe the top level, the server and the bootstrapper", () => {
    expect(houses.map(({ folder, rules }) => [folder, rules.length > 5])).toEqual([
      ["", true],
      ["metadata-server/", true],
      ["bootstrapper/", true],
    ]);
  });

  it("allow every import of the product", async () => {
    const files = await Array.fromAsync(glob(`{${folders.join(",")}}/**/*.ts`, { cwd: project }));
    const product = files.filter(isProduct);
    expect(product.length).toBeGreaterThan(300);
    const texts = await Promise.all(product.map((file) => readFile(join(project, file), "utf8")));
    expect(product.flatMap((file, index) => refusals(file, texts[index] ?? ""))).toEqual([]);
  });

  it.each([
    ["lib/clock.ts", 'import type { Phase } from "#api/phase.ts";'],
    ["api/seed.ts", 'export { retry } from "../bootstrapper/server/retry.ts";'],
    ["bootstrapper/main.ts", 'const { startServer } = await import("../metadata-server/serve.ts");'],
    ["cli/main.ts", 'import { createCluster } from "../metadata-server/clusters/create-cluster.ts";'],
    ["metadata-server/store/records.ts", 'import type { Provider } from "../providers/provider.ts";'],
    ["metadata-server/power/redfish/client.ts", 'import { Store } from "../../store/store.ts";'],
    ["bootstrapper/machine/exec.ts", 'import { plan } from "../run/plan.ts";'],
    ["metadata-server/brand-new.ts", 'import { serve } from "./serve.ts";'],
    ["images/bake.ts", 'import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";'],
  ])("refuse a planted import upward in %s, with file and line", (file, planted) => {
    expect(refusals(file, `\n${planted}`)).toEqual([expect.stringMatching(new RegExp(`^${file}:2: `))]);
  });
});
