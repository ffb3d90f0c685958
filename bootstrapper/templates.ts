import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { renderTemplate, type TemplateValues } from "../templates/render.ts";
import { BootstrapError } from "./errors.ts";

/** Renders `file` below the templates folder. Throws BootstrapError `invalid-input` naming every unfilled placeholder. */
export type Render = (file: string, values: TemplateValues) => Promise<string>;

export function createRender(folder: string): Render {
  return async (file, values) => {
    try {
      return renderTemplate({ file, text: await readFile(join(folder, file), "utf8") }, values);
    } catch (cause) {
      throw new BootstrapError("invalid-input", (cause as Error).message, { cause });
    }
  };
}
