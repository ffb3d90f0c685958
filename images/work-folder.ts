import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "#lib/files.ts";

const prefix = ".partial-";

/**
 * Makes a folder in `parent`, for work that is renamed into place at the end. `dispose` removes what is left of it.
 * Also removes the work folders of killed processes.
 */
export async function createWorkFolder(parent: string): Promise<{ path: string } & AsyncDisposable> {
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const path = await mkdtemp(join(parent, `${prefix}${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(prefix) ? name.slice(prefix.length).split("-")[0] : undefined;
    if (owner === undefined) continue;
    if (!(await exists(`/proc/${owner}`))) await rm(join(parent, name), { recursive: true, force: true });
  }
}
