import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { readOptional } from "#lib/files.ts";

/** `demo.json`: the server that a demo started. */
export const DemoRecord = z.strictObject({
  pid: z.int().positive(),
  url: z.string(),
  caFile: z.string(),
  tokenFile: z.string(),
  /** May hold a password, so only the file's owner can read it. */
  store: z.string().default("sqlite"),
});
export type DemoRecord = z.infer<typeof DemoRecord>;

/** Returns the record of an earlier demo, and whether its server still runs. */
export async function loadDemoRecord(demoDir: string): Promise<{ record: DemoRecord; running: boolean } | undefined> {
  const text = await readOptional(path.join(demoDir, "demo.json"));
  if (text === undefined) return undefined;
  const record = DemoRecord.parse(JSON.parse(text));
  // The pid may belong to another process by now: only a server of this directory counts.
  const command = (await readFile(`/proc/${record.pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  return { record, running: command.includes("serve") && command.includes(path.join(demoDir, "data")) };
}
