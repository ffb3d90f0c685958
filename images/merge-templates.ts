import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { manifestProblems } from "#api/manifest.ts";
import { ManifestName } from "#api/network.ts";
import { readOverlay } from "../templates/overlay.ts";
import { isTemplate } from "./fingerprint.ts";

export interface OwnFiles {
  /** Folder of templates that take the place of the project's. */
  overlayDir?: string | undefined;
  /** Files that a cluster's `network.baked` may name; in the image as they are, in `networks` among its templates. */
  networkManifests?: readonly string[];
}

const ownTemplatesDir = fileURLToPath(new URL("../templates", import.meta.url));

/**
 * A folder with the project's templates and what an operator puts in their place or beside them; `dispose` removes it.
 * Throws with everything that is wrong with the operator's files, before anything is baked.
 */
export async function mergeTemplates(own: OwnFiles): Promise<{ path: string } & AsyncDisposable> {
  const files = new Map([
    ...(own.overlayDir === undefined ? [] : await readOverlay(own.overlayDir)),
    ...(await readNetworkManifests(own.networkManifests ?? [])),
  ]);
  const path = await mkdtemp(join(tmpdir(), "sprout-templates-"));
  const remove = () => rm(path, { recursive: true, force: true });
  try {
    await cp(ownTemplatesDir, path, { recursive: true, filter: isTemplate });
    for (const [file, text] of files) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}

async function readNetworkManifests(files: readonly string[]): Promise<[file: string, text: string][]> {
  const read = await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, "utf8") })));
  const problems = read.flatMap(({ file, text }) => [
    ...(ManifestName.safeParse(basename(file)).success ? [] : [`${file}: its name must be like flannel.yaml`]),
    ...(read.filter((other) => basename(other.file) === basename(file)).length > 1
      ? [`${file}: another has the same name`]
      : []),
    ...manifestProblems(text).map((problem) => `${file}: ${problem}`),
  ]);
  if (problems.length > 0) throw new Error(`Cannot use network manifests: ${problems.join("; ")}`);
  return read.map(({ file, text }) => [`networks/${basename(file)}`, text]);
}
