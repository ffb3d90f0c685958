import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readOverlay } from "../templates/overlay.ts";
import { renderTemplate, type TemplateValues } from "../templates/render.ts";
import { BootstrapError } from "./errors.ts";
import { below } from "./files.ts";

/** Renders `file` below the templates folder. Throws BootstrapError `invalid-input` naming every unfilled placeholder. */
export type Render = (file: string, values: TemplateValues) => Promise<string>;

const imageFolder = "/usr/share/sprout/templates";

/** Of a machine: the image's templates, and a folder below the root with templates of one's own. */
export const createNodeRender = (root: string, overlay: string | undefined): Render =>
  createRender(below(root, imageFolder), overlay === undefined ? undefined : below(root, overlay));

/** `overlay` is a folder with templates of one's own; all of them are checked before the first is rendered. */
export function createRender(folder: string, overlay?: string): Render {
  let own: Promise<Map<string, string>> | undefined;
  return async (file, values) => {
    try {
      own ??= overlay === undefined ? Promise.resolve(new Map()) : readOverlay(overlay);
      const text = (await own).get(file) ?? (await readFile(join(folder, file), "utf8"));
      return renderTemplate({ file, text }, values);
    } catch (cause) {
      throw new BootstrapError("invalid-input", (cause as Error).message, { cause });
    }
  };
}
