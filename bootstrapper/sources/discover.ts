import { readFile } from "node:fs/promises";
import { BootstrapError } from "../errors.ts";
import { below } from "../files.ts";
import type { Trust } from "../server/trust.ts";
import { type CommandLineSource, parseKernelCommandLine } from "./kernel-command-line.ts";
import { parseSeedFile } from "./seed-file.ts";

/** Where the server is, how to know it, and who this machine is to it. */
export interface Source {
  name: "seed" | "kernel-command-line" | "allocation-record";
  server: string;
  capability: string;
  trust: Trust;
  mac?: string | undefined;
  address?: string | undefined;
}

const seedFile = "/etc/sprout/seed.json";
const imagePin = "/etc/sprout/ca.crt";
/** What the kernel command line said when this machine was installed to its disk; boot loaders say less. */
const keptCommandLine = "/etc/sprout/kernel-command-line";

/**
 * The seed file first, then the kernel command line (not in a container: it is the host's).
 * A pin baked into the image beats whatever the source itself says.
 */
export async function discoverSource({ root, inContainer }: { root: string; inContainer: boolean }): Promise<Source> {
  const pin = await readOptional(below(root, imagePin));
  const seed = await readOptional(below(root, seedFile));
  if (seed !== undefined) {
    const { ca, ...rest } = parseSeedFile(seed, seedFile);
    return { name: "seed", ...rest, trust: { ca: pin ?? ca } };
  }
  const found = inContainer ? undefined : await findCommandLine(root);
  if (found === undefined)
    throw new BootstrapError(
      "invalid-input",
      `Cannot find a data source: neither ${seedFile} nor sprout.server= on the kernel command line exists`,
    );
  const { ca, caSha256, ...rest } = found;
  const trust = pin ?? ca;
  if (trust !== undefined) return { name: "kernel-command-line", ...rest, trust: { ca: trust } };
  if (caSha256 !== undefined) return { name: "kernel-command-line", ...rest, trust: { caSha256 } };
  throw new BootstrapError(
    "invalid-input",
    `Cannot trust ${found.server}: no authority is pinned; bake ${imagePin} or give sprout.ca= or sprout.ca-sha256=`,
  );
}

async function findCommandLine(root: string): Promise<CommandLineSource | undefined> {
  const present = parseKernelCommandLine((await readOptional(below(root, "/proc/cmdline"))) ?? "");
  return present ?? parseKernelCommandLine((await readOptional(below(root, keptCommandLine))) ?? "");
}

/** A missing file is no error, an unreadable one is. */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new BootstrapError("invalid-input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
