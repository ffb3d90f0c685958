import { join } from "node:path";
import { exists } from "#lib/files.ts";

/**
 * Returns where unpacked packages have `path`: below usr since Debian 13 (https://wiki.debian.org/UsrMerge), else
 * directly.
 */
export async function locateInPackages(tree: string, path: string): Promise<string> {
  const merged = join(tree, "usr", path);
  return (await exists(merged)) ? merged : join(tree, path);
}
