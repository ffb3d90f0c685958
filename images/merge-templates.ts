import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readOverlay } from "../templates/overlay.ts";
import { isTemplate } from "./fingerprint.ts";

const ownTemplatesDir = fileURLToPath(new URL("../templates", import.meta.url));

/**
 * A folder with the project's templates and an operator's own in the place of some; `dispose` removes it. Throws
 * TemplateError with everything that is wrong with the operator's, before anything is baked.
 */
export async function mergeTemplates(overlayDir: string): Promise<{ path: string } & AsyncDisposable> {
  const overlay = await readOverlay(overlayDir);
  const path = await mkdtemp(join(tmpdir(), "sprout-templates-"));
  const remove = () => rm(path, { recursive: true, force: true });
  try {
    await cp(ownTemplatesDir, path, { recursive: true, filter: isTemplate });
    for (const [file, text] of overlay) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
