import { messageOf } from "#lib/errors.ts";
import { createRender, type Render } from "../templates/create-render.ts";
import { BootstrapError } from "./errors.ts";
import { below } from "./machine/files.ts";

const imageFolder = "/usr/share/sprout/templates";

/**
 * Renders the image's templates, or those of `overlay`, a folder below the root with the operator's own. Throws
 * BootstrapError `invalid-input` naming every unfilled placeholder.
 */
export function createNodeRender(root: string, overlay: string | undefined): Render {
  const render = createRender(below(root, imageFolder), overlay === undefined ? undefined : below(root, overlay));
  return (file, values) =>
    render(file, values).catch((cause: unknown) => {
      throw new BootstrapError("invalid-input", messageOf(cause), { cause });
    });
}
