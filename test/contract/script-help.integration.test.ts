import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "#lib/run.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

const root = join(import.meta.dirname, "../..");

it.each(["demo", "bench", "versions", "conformance", "prove", "simulate", "fuzz", "build"])(
  "npm run %s -- --help explains the script without setting up the host",
  async (script) => {
    const folder = await temporaryFolder("script-help");
    const query = join(folder, "dpkg-query");
    await writeFile(query, `#!/bin/sh\necho asked >>${folder}/asked\n`);
    await chmod(query, 0o755);
    const env = { PATH: `${folder}:${process.env["PATH"]}` };
    expect(await run("npm", ["run", "--silent", script, "--", "--help"], { cwd: root, env })).toMatch(/^Usage: /);
    await expect(readFile(join(folder, "asked"))).rejects.toMatchObject({ code: "ENOENT" });
  },
);
