import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "#lib/run.ts";

/** Prints the names of the npm packages that the process has loaded, as its last line. */
const hook = `
import { registerHooks } from "node:module";
const found = new Set();
registerHooks({
  load(url, context, next) {
    found.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
    return next(url, context);
  },
});
process.on("exit", () => console.log(JSON.stringify([...found].filter(Boolean).toSorted())));
`;

it.each([
  [["--help"], ["commander"]],
  [
    ["clusters", "list"],
    ["commander", "eventsource-parser", "zod"],
  ],
])("sprout %j loads no package but %j", async (argv, packages) => {
  const main = join(import.meta.dirname, "main.ts");
  const program = [`--import=data:text/javascript,${encodeURIComponent(hook)}`, main, ...argv, "--ca=/nonexistent"];
  const script = 'exec 2>/dev/null; "$@" || true';
  const output = await run("sh", ["-c", script, "sh", process.execPath, ...program]);
  expect(JSON.parse(output.split("\n").at(-1) ?? "")).toEqual(packages);
});
