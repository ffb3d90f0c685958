import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readOverlay } from "./overlay.ts";
import { renderTemplate, type TemplateValues } from "./render.ts";

/**
 * Renders the template at this path below the templates folder. Throws TemplateError with every unfilled placeholder.
 */
export type Render = (file: string, values: TemplateValues) => Promise<string>;

/**
 * Renders the templates of `folder`. Templates in the folder `overlay` replace those of the same path; all of them are
 * checked before the first is rendered. Each template is read once, so that a running program never mixes versions.
 */
export function createRender(folder: string, overlay?: string): Render {
  let replaced: Promise<Map<string, string>> | undefined;
  const texts = new Map<string, Promise<string>>();
  const read = async (file: string) => {
    replaced ??= overlay === undefined ? Promise.resolve(new Map()) : readOverlay(overlay);
    return (await replaced).get(file) ?? readFile(join(folder, file), "utf8");
  };
  return async (file, values) => {
    const text = texts.get(file) ?? read(file);
    texts.set(file, text);
    return renderTemplate({ file, text: await text }, values);
  };
}
