import { access } from "node:fs/promises";
import { join } from "node:path";

/** Where unpacked packages have `path`: below usr since Debian 13 (https://wiki.debian.org/UsrMerge), before it up to Debian 12. */
export async function locateInPackages(tree: string, path: string): Promise<string> {
  const merged = join(tree, "usr", path);
  return access(merged).then(
    () => merged,
    () => join(tree, path),
  );
}
