import { mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { lockBuild } from "../go/build-lock.ts";
import { checkBinaries, readChecksums, writeChecksums } from "./binaries.ts";

type EnsureOptions = Parameters<typeof checkBinaries>[1] & {
  programs: readonly string[];
  signal: AbortSignal;
  onDetail: (detail: string) => void;
};

/**
 * Makes the folder of checked programs if it does not exist; a second process waits. It appears once it is whole. The
 * folder that `make` fills has a fixed name, so an interrupted run is resumed.
 */
export async function ensurePrograms(
  dir: string,
  options: EnsureOptions,
  make: (outDir: string) => Promise<void>,
): Promise<void> {
  if ((await readChecksums(dir)) !== null) return;
  await mkdir(dirname(dir), { recursive: true });
  using locks = new DisposableStack();
  const onWait = () => options.onDetail("another process builds it; waiting");
  locks.use(await lockBuild(dir, { signal: options.signal, onWait }));
  if ((await readChecksums(dir)) !== null) return;
  const partial = `${dir}.partial`;
  await make(partial);
  await checkBinaries(partial, options);
  await writeChecksums(partial, options.programs);
  await rename(partial, dir);
}
