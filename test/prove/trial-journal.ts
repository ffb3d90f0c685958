import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { Trial } from "./trial.ts";

/** What every trial of one journal has in common. */
export const Subject = z.strictObject({ commit: z.string(), kubernetesVersion: z.string() });
export type Subject = z.infer<typeof Subject>;

export interface TrialJournal {
  /** Trials of this run and of those that were interrupted. */
  readonly trials: readonly Trial[];
  has(trial: Pick<Trial, "series" | "seed">): boolean;
  add(trial: Trial): Promise<void>;
}

/**
 * Opens the file in which trials are kept, a JSON line each, so that an interrupted run continues. Throws if its trials
 * are of another commit or version. A last line that a crash cut short is dropped.
 */
export async function openTrialJournal(file: string, subject: Subject): Promise<TrialJournal> {
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n").slice(0, -1);
  const [head, ...rest] = lines;
  if (head === undefined) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(subject)}\n`);
  } else refuseOther(file, { subject, found: Subject.parse(JSON.parse(head)) });
  const trials = rest.map((line) => Trial.parse(JSON.parse(line)));
  const known = new Set(trials.map(nameOf));
  // Ends what a crash left of a line.
  await writeFile(file, lines.length === 0 ? `${JSON.stringify(subject)}\n` : `${lines.join("\n")}\n`);
  return {
    trials,
    has: (trial) => known.has(nameOf(trial)),
    async add(trial) {
      known.add(nameOf(trial));
      trials.push(trial);
      await appendFile(file, `${JSON.stringify(trial)}\n`);
    },
  };
}

const nameOf = ({ series, seed }: Pick<Trial, "series" | "seed">) => `${series} ${seed}`;

function refuseOther(file: string, { subject, found }: { subject: Subject; found: Subject }): void {
  for (const field of ["commit", "kubernetesVersion"] as const)
    if (found[field] !== subject[field])
      throw new Error(
        `Cannot continue ${file}: its trials are of ${field} ${found[field]}, and this is ${subject[field]}; remove the file, or name another with --folder`,
      );
}
