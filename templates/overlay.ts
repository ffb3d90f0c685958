import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { checkTemplate } from "./check.ts";
import { templates } from "./placeholders.ts";
import { TemplateError } from "./render.ts";

/**
 * An operator's own templates by their paths below `folder`, each in the place of the project's of that path. Throws
 * TemplateError with every file that would replace nothing and every placeholder that could never be filled.
 */
export async function readOverlay(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new Error(`Cannot use templates of ${folder}: it is no folder that can be read`, { cause });
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
    const text = await readFile(join(folder, file), "utf8");
    problems.push(...checkTemplate({ file, text }, placeholders));
    overlay.set(file, text);
  }
  if (problems.some((problem) => problem.endsWith("replaces no template")))
    problems.push(`the templates are: ${Object.keys(templates).join(", ")}`);
  if (problems.length > 0) throw new TemplateError(problems, `Cannot use templates of ${folder}`);
  return overlay;
}
