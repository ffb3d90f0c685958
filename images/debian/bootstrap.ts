import { writeFile } from "node:fs/promises";
import { ExecaError } from "execa";
import { run } from "#lib/run.ts";
import { toSourceLine, type DebianSources } from "./sources.ts";

/** Upper limit of modification times in the archive (2020-01-01), so that two bakes give the same bytes. */
export const sourceDateEpoch = 1_577_836_800;

export const withoutDocumentation = [
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/share/doc/*",
  // Licences stay.
  "path-include=/usr/share/doc/*/copyright",
];

/** Writes a Debian root without documentation to the tar file `archive`. `args` are mmdebstrap's: variant, packages. */
export async function bootstrapDebian(
  { codename, sources }: DebianSources,
  args: readonly string[],
  { archive, signal }: { archive: string; signal: AbortSignal },
): Promise<void> {
  const sourcesList = `${archive}.sources.list`;
  await writeFile(sourcesList, sources.map((source) => `${toSourceLine("deb", source)}\n`).join(""));
  const common = [
    "--mode=root",
    "--quiet",
    "--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr",
    ...withoutDocumentation.map((option) => `--dpkgopt=${option}`),
  ];
  const env = { SOURCE_DATE_EPOCH: String(sourceDateEpoch) };
  try {
    await run("mmdebstrap", [...common, ...args, codename, archive, sourcesList], { signal, env });
  } catch (cause) {
    const output =
      cause instanceof ExecaError ? `${cause.shortMessage}: ${String(cause.stderr).slice(-2000)}` : String(cause);
    throw new Error(`Cannot make a Debian root: ${output}`, { cause });
  }
}
