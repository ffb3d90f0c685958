import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";

/** Kubernetes versions whose image can be booted over the network, newest first. */
export async function listBootImages(imagesDir: string): Promise<string[]> {
  const names = await readdir(imagesDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const versions = names.filter((name) => KubernetesVersion.safeParse(name).success);
  const bootable = await Promise.all(
    versions.map((version) =>
      access(join(imagesDir, version, "network-boot", "root.squashfs")).then(
        () => true,
        () => false,
      ),
    ),
  );
  const { compare } = new Intl.Collator("en", { numeric: true });
  return versions.filter((_, index) => bootable[index]).toSorted((one, other) => compare(other, one));
}
