import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** `demo.json`: which server a demo started. */
export const DemoRecord = z.strictObject({
  pid: z.int().positive(),
  url: z.string(),
  caFile: z.string(),
  tokenFile: z.string(),
  /** May hold a password: the file is for its owner alone. */
  store: z.string().default("sqlite"),
});
export type DemoRecord = z.infer<typeof DemoRecord>;

/** What an earlier demo left behind, and whether its server still runs. */
export async function loadDemoRecord(demoDir: string): Promise<{ record: DemoRecord; running: boolean } | undefined> {
  const text = await readOptional(path.join(demoDir, "demo.json"));
  if (text === undefined) return undefined;
  const record = DemoRecord.parse(JSON.parse(text));
  // A pid can be another process by now: only one that serves this very directory counts.
  const command = (await readOptional(`/proc/${record.pid}/cmdline`))?.split("\0") ?? [];
  return { record, running: command.includes("serve") && command.includes(path.join(demoDir, "data")) };
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
