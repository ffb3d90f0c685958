import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";

const project = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(await readFile(join(project, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const inScripts = Object.values(scripts).flatMap((script) => /\bnode (\S+\.ts)/.exec(script)?.[1] ?? []);
const entries = [...new Set([...inScripts, "cli/main.ts"])];

/** A Node that says it is older, and loads no TypeScript either. */
const olderNode =
  "--no-strip-types --import=data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})";

const start = (file: string, args: string[]) =>
  execa(file, args, { cwd: project, env: { NODE_OPTIONS: olderNode }, reject: false, timeout: 30_000 });

it.each([
  ...entries.map((entry) => [entry, process.execPath, [entry]] as const),
  ["cli/sprout", "cli/sprout", ["--help"]] as const,
  ["vitest", process.execPath, ["node_modules/vitest/vitest.mjs", "run", "lib/utf8.test.ts"]] as const,
])("%s on an older Node prints one line that says which Node it needs", async (_name, file, args) => {
  expect(await start(file, [...args])).toMatchObject({
    exitCode: 2,
    stdout: "",
    stderr:
      'Cannot start on Node 20.20.2: Sprout needs Node 26 or newer; "npm ci && npm run postinstall" brings it, ' +
      'and npm scripts use it, such as "npm run sprout" and "npm run test:unit"',
  });
});

it("package.json has all entries that the test above starts", () => {
  expect(entries.toSorted()).toEqual([
    "bootstrapper/build-all.ts",
    "cli/main.ts",
    ...["bench", "conformance", "documents", "fuzz", "prove", "simulation", "versions"].map(
      (name) => `test/${name}/main.ts`,
    ),
  ]);
});
