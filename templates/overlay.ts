import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { messageOf } from "#lib/errors.ts";
import { decodeText } from "#lib/utf8.ts";
import { checkTemplate } from "./check.ts";
import { templates } from "./placeholders.ts";
import { TemplateError } from "./render.ts";

/**
 * Reads the operator's templates below `folder`; each replaces the project's of the same path. Throws TemplateError
 * with every file that replaces no template and every placeholder that could never be filled.
 */
export async function readOverlay(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new Error(`Cannot use templates of ${folder}: it is not a readable folder`, { cause });
  });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
  const overlay = new Map<string, string>();
  const problems: string[] = [];
  for (const file of files) {
    const placeholders = Object.hasOwn(templates, file) ? templates[file] : undefined;
    if (placeholders === undefined) {
      problems.push(`${file}: replaces no template`);
      continue;
    }
    const bytes = await readFile(join(folder, file));
    try {
      const text = decodeText(bytes);
      problems.push(...checkTemplate({ file, text }, placeholders));
      overlay.set(file, text);
    } catch (error) {
      problems.push(`${file}: ${messageOf(error)}`);
    }
  }
  if (problems.some((problem) => problem.endsWith("replaces no template")))
    problems.push(`the templates are: ${Object.keys(templates).join(", ")}`);
  if (problems.length > 0) throw new TemplateError(problems, `Cannot use templates of ${folder}`);
  return overlay;
}
