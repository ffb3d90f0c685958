import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { manifestExpectations } from "#api/manifest.ts";
import { flattenLists } from "#api/manifest-list.ts";
import { ManifestName } from "#api/network.ts";
import { messageOf } from "#lib/errors.ts";
import { decodeText } from "#lib/utf8.ts";
import { isTemplate, templatesFolder } from "../templates/folder.ts";
import { readOverlay } from "../templates/overlay.ts";

interface OwnFiles {
  /** Folder of templates that replace the project's. */
  overlayDir?: string | undefined;
  /**
   * Files that a cluster's `network.baked` may name, in `networks` among the image's templates. Only Lists within Lists
   * are taken apart.
   */
  networkManifests?: readonly string[];
}

/**
 * Makes a folder with the project's templates and the operator's, which replace them or are added; `dispose` removes
 * it. Throws with every problem of the operator's files before the bake starts.
 */
export async function mergeTemplates(own: OwnFiles): Promise<{ path: string } & AsyncDisposable> {
  const files = new Map([
    ...(own.overlayDir === undefined ? [] : await readOverlay(own.overlayDir)),
    ...(await readNetworkManifests(own.networkManifests ?? [])),
  ]);
  const path = await mkdtemp(join(tmpdir(), "sprout-templates-"));
  const remove = () => rm(path, { recursive: true, force: true });
  try {
    await cp(templatesFolder, path, { recursive: true, filter: isTemplate });
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
  const read = await Promise.all(files.map(async (file) => ({ file, bytes: await readFile(file) })));
  const problems = read.flatMap(({ file, bytes }) => [
    ...(ManifestName.safeParse(basename(file)).success
      ? []
      : [`${file}: its name must be lower-case and end in .yaml or .yml, such as flannel.yaml`]),
    ...(read.filter((other) => basename(other.file) === basename(file)).length > 1
      ? [`${file}: another has the same name`]
      : []),
    ...problemsOf(bytes).map((problem) => `${file}: ${problem}`),
  ]);
  if (problems.length > 0) throw new Error(`Cannot use network manifests: ${problems.join("; ")}`);
  return read.map(({ file, bytes }) => [`networks/${basename(file)}`, flattenLists(decodeText(bytes))]);
}

function problemsOf(bytes: Uint8Array): string[] {
  try {
    return manifestExpectations(decodeText(bytes)).map((expected) => `Expected ${expected}`);
  } catch (error) {
    return [messageOf(error)];
  }
}
