import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstMetadata, pem, workerCredentials } from "../../test/fixtures/node-documents.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { spoiledText } from "../../test/fuzz/spoiled-text.ts";
import { BootstrapError } from "../errors.ts";
import { readCredentials, readEarlierRun } from "./earlier-run.ts";
import { allocationFile, credentialsFile, journalFile, nodeFolder } from "./node-folder.ts";
import { forgetCapability, keptCommandLine, makeSeedsPrivate, seedFile } from "./seed-files.ts";

const now = { bootId: "boot-1", time: "2026-01-01T00:00:00.000Z", monotonicMs: 5 };
const origin = { kind: "server", url: "https://192.0.2.10:8443", ca: pem("CERTIFICATE", "ca"), capabilitySha256: "ab" };
const record = { origin, startedAt: now.time, received: now, before: {}, metadata: firstMetadata };
const entry = { allocation: firstMetadata.allocation, sequence: 1, phase: "claim", state: "started", ...now };
const seed = { server: origin.url, ca: origin.ca, capability: "c".repeat(43) };

const spoiled = (text: string) => fc.oneof(fc.constant(text), spoiledText([text], 4096));
const files = fc.record({
  [allocationFile]: spoiled(JSON.stringify(record)),
  [journalFile]: spoiled(`${JSON.stringify(entry)}\n`),
  [credentialsFile]: spoiled(JSON.stringify(workerCredentials)),
  [seedFile]: spoiled(JSON.stringify(seed)),
  [keptCommandLine]: spoiled(`quiet sprout.capability=${seed.capability} ro`),
});

/** The fix in every message of a run that refuses what it found. */
const refusal = /^Cannot [^\p{Cc}]+; run sprout-bootstrap reset/u;

function requireRefusal(error: unknown): void {
  if (!(error instanceof BootstrapError)) throw error;
  expect([error.code, error.message]).toEqual(["preflight", expect.stringMatching(refusal)]);
}

describe("readEarlierRun, readCredentials and the functions for seeds, for any files", () => {
  it("return what they find, or refuse it with the file and the fix; a spoiled seed is no failure", async () => {
    const root = await temporaryFolder("spoiled-run");
    for (const folder of [nodeFolder, "/etc/sprout"]) await mkdir(join(root, folder), { recursive: true });
    await fc.assert(
      fc.asyncProperty(files, async (given) => {
        for (const [name, text] of Object.entries(given)) await writeFile(join(root, name), text);
        await readEarlierRun(root).catch(requireRefusal);
        await readCredentials(root).catch(requireRefusal);
        await makeSeedsPrivate({ root, write: () => undefined });
        await forgetCapability(root, { ...origin, kind: "server" });
      }),
      { numRuns: 200 },
    );
  });
});
