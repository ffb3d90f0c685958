import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { hostArchitecture } from "#lib/architecture.ts";
import { run } from "#lib/run.ts";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { buildBootstrapper } from "./build.ts";

it("SIGUSR1 opens no debugger in the executable, which continues", async () => {
  const folder = await temporaryFolder("sigusr1");
  const [executable, document] = [join(folder, "sprout-bootstrap"), join(folder, "seed.json")];
  await buildBootstrapper({ arch: hostArchitecture().node, outFile: executable, cacheDir: folder });
  await run("mkfifo", [document]);
  const child = spawn(executable, ["check", document], { stdio: ["ignore", "ignore", "pipe"] });
  const [stderr, exited] = [text(child.stderr), once(child, "exit")];
  await delay(2000);
  child.kill("SIGUSR1");
  await delay(500);
  await writeFile(document, "{}");
  expect(await exited).toEqual([2, null]);
  expect(await stderr).not.toContain("Debugger");
}, 120_000);
