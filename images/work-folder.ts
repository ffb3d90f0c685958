import { access, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const prefix = ".partial-";

/**
 * A folder beside the one that will be renamed into place. `dispose` removes what is left of it. Those of processes that
 * were killed are removed too.
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
    const alive = await access(`/proc/${owner}`).then(
      () => true,
      () => false,
    );
    if (!alive) await rm(join(parent, name), { recursive: true, force: true });
  }
}
