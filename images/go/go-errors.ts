import { ExecaError } from "execa";

/** A failed call of Go, with its reason and what to do. */
export class GoError extends Error {
  override name = "GoError";
}

/** Patterns of Go's output, and why it failed and what to do. The first match counts. */
const explanations: readonly [said: RegExp, why: string][] = [
  [
    /SECURITY ERROR|checksum mismatch|verifying .*: checksum/i,
    "the download does not match the checksum database, so it is not used; check GOPROXY, then run: go clean -modcache",
  ],
  [
    /no space left on device/i,
    "no space left on device; free some, or point GOCACHE, GOMODCACHE and --cache-dir elsewhere",
  ],
  [
    /requires go >= /i,
    "this Go is too old; install a newer one and name it in GO, or unset GO to have one fetched from PyPI",
  ],
  [/unknown revision|404 Not Found|410 Gone|invalid version/i, "the module has no such version; choose a released one"],
  [
    /dial tcp|no such host|connection refused|i\/o timeout|TLS handshake|403 Forbidden|502 Bad Gateway|503 Service/i,
    "the module proxy cannot be reached; check the network, HTTPS_PROXY and GOPROXY",
  ],
  [/signal: killed|cannot allocate memory/i, "it ran out of memory; compiling takes 3 GB"],
];

/**
 * Explains a failed call: `Cannot compile kubelet: no space left on device; … (Go's last line)`. Returns other errors
 * as they are.
 */
export function explainGo(error: unknown, verb: string): unknown {
  if (!(error instanceof ExecaError)) return error;
  const said = saidBy(error);
  const known = explanations.find(([pattern]) => pattern.test(said));
  const line = known === undefined ? mainLine(said) : (said.split("\n").find((text) => known[0].test(text)) ?? "");
  const why = known?.[1] ?? "see Go's output";
  return new GoError(`Cannot ${verb}: ${why} (${line.trim().slice(0, 300) || error.shortMessage})`, { cause: error });
}

/** Returns Go's error output: standard error, or a field in the answer of `go mod download -json`. */
function saidBy({ stdout, stderr }: { stdout?: unknown; stderr?: unknown }): string {
  const answered = /^\s*"Error": (".*"),?$/m.exec(String(stdout))?.[1];
  if (answered !== undefined) return JSON.parse(answered) as string;
  return typeof stderr === "string" ? stderr : "";
}

/** Returns the first error of the first package that does not compile, else the last line. */
const mainLine = (said: string) => /^# .*\n(.+)/m.exec(said)?.[1] ?? said.trim().split("\n").at(-1) ?? "";
