import { join } from "node:path";
import { execa } from "execa";

export interface ChurnSettings {
  clustersPerDay: number;
  nodes: number;
  ttlSeconds: number;
  retentionSeconds: number;
  auditEntries: number;
  /** When to measure; the last one ends it. */
  hours: number[];
}

export interface ChurnHour {
  hour: number;
  /** After a garbage collection. */
  heapBytes: number;
  rssBytes: number;
  /** Of the SQLite file. */
  fileBytes: number;
  /** In the store, deleted ones included. */
  clustersKept: number;
}

export interface ChurnBench {
  settings: ChurnSettings;
  hours: ChurnHour[];
  /** Last measurement to the first in which as many clusters are kept as ever. */
  heapGrowth: number;
  fileGrowth: number;
}

/**
 * A simulated day: clusters are created, brought up by fake machines, deleted by their time to live and forgotten.
 * Times are shorter than a server's defaults, so that one day shows what otherwise takes two.
 */
export async function benchChurn(onProgress: (text: string) => void): Promise<ChurnBench> {
  const settings = {
    clustersPerDay: 1000,
    nodes: 4,
    ttlSeconds: 3600,
    retentionSeconds: 4 * 3600,
    auditEntries: 2000,
    hours: [1, 6, 12, 18, 24],
  };
  onProgress("churn: 24 simulated hours");
  const script = join(import.meta.dirname, "simulate.ts");
  const { stdout } = await execa(process.execPath, ["--expose-gc", script, JSON.stringify(settings)]);
  const hours = stdout.split("\n").map((line) => JSON.parse(line) as ChurnHour);
  const [, full] = hours;
  const last = hours.at(-1);
  if (full === undefined || last === undefined) throw new Error("Cannot measure churn: the simulation said nothing");
  return {
    settings,
    hours,
    heapGrowth: last.heapBytes / full.heapBytes,
    fileGrowth: last.fileBytes / full.fileBytes,
  };
}
