import { chmod, readFile, realpath, stat } from "node:fs/promises";
import { messageOf } from "#lib/errors.ts";
import { isMissing } from "#lib/files.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { type ConsoleLine, consoleLine } from "../console-line.ts";
import { below, removeTemporaries, writeFileAtomic } from "../machine/files.ts";
import { type AllocationOrigin, hashCapability } from "./allocation.ts";

export const seedFile = "/etc/sprout/seed.json";
/** The kernel command line of the boot that installed this machine to its disk; boot loaders have a shorter one. */
export const keptCommandLine = "/etc/sprout/kernel-command-line";

interface PrivateOptions {
  root: string;
  write: (line: string) => void;
}

/** Gives files with a capability mode 0600, and says so: a copy that was made before is not undone. */
export async function makeSeedsPrivate({ root, write }: PrivateOptions): Promise<void> {
  const warn = (line: Omit<ConsoleLine, "level">) => write(consoleLine({ level: "warn", message: "", ...line }));
  for (const file of [seedFile, keptCommandLine]) {
    try {
      const path = below(root, file);
      const mode = (await stat(path)).mode & 0o777;
      if ((mode & 0o077) === 0) continue;
      await chmod(path, 0o600);
      warn({ message: `Other users could read the capability in ${file}`, mode: toOctal(mode), now: "0600" });
    } catch (error) {
      if (!isMissing(error)) warn({ message: `Cannot give ${file} mode 0600`, error: messageOf(error) });
    }
  }
}

const toOctal = (mode: number) => mode.toString(8).padStart(4, "0");

/**
 * Removes the spent capability of this allocation from its file; the journal knows the allocation from then on. Another
 * allocation's stays. So does one in a file that cannot be changed, such as nspawn's: it opens nothing.
 */
export async function forgetCapability(root: string, origin: AllocationOrigin): Promise<void> {
  if (origin.kind !== "server") return;
  const isSpent = (capability: unknown) =>
    typeof capability === "string" && hashCapability(capability) === origin.capabilitySha256;
  for (const [file, remove] of [
    [seedFile, removeFromSeed],
    [keptCommandLine, removeFromCommandLine],
  ] as const) {
    try {
      const path = await realpath(below(root, file));
      const text = await readFile(path, "utf8");
      const left = remove(text, isSpent);
      if (left === text) continue;
      await removeTemporaries([path]);
      await writeFileAtomic(path, left, 0o600);
    } catch {
      // Missing, or read-only.
    }
  }
}

type IsSpent = (capability: unknown) => boolean;

function removeFromSeed(text: string, isSpent: IsSpent): string {
  const { capability, ...rest } = Object(parseJsonOrNothing(text)) as Record<string, unknown>;
  return isSpent(capability) ? `${JSON.stringify(rest)}\n` : text;
}

const removeFromCommandLine = (text: string, isSpent: IsSpent) =>
  text.replace(/sprout\.capability=(\S*)\s*/g, (option, capability: string) => (isSpent(capability) ? "" : option));
