import { join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";
import { imagePaths, networkBootFiles } from "#lib/image-folder.ts";
import { listBootImages } from "./boot-images.ts";
import { type AssetFile, createAssetFiles } from "./asset-files.ts";

/** iPXE for firmware without it: BIOS by TFTP, UEFI by TFTP or HTTP. */
const ipxeNames = ["undionly.kpxe", "snponly.efi"];

export interface BootAssets {
  /** Kubernetes versions whose image can be booted over the network, newest first. */
  versions(): Promise<string[]>;
  /** Opens a file of that version's image, or of "ipxe". Undefined if there is none; any text is safe. */
  open(version: string, name: string): Promise<AssetFile | undefined>;
  /** The file's SHA-512, hexadecimal. On processors with instructions for neither it is faster than SHA-256. */
  digest(version: string, name: string): Promise<string | undefined>;
}

/** `imagesDir` holds a folder for each baked image, named by its Kubernetes version. */
export function createBootAssets({ imagesDir, ipxeDir }: { imagesDir: string; ipxeDir: string }): BootAssets {
  const files = createAssetFiles("sha512");
  const pathOf = (version: string, name: string) => {
    if (version === "ipxe") return ipxeNames.includes(name) ? join(ipxeDir, name) : undefined;
    if (!networkBootFiles.some((known) => known === name) || !KubernetesVersion.safeParse(version).success)
      return undefined;
    return join(imagePaths(join(imagesDir, version)).networkBoot, name);
  };
  return {
    versions: () => listBootImages(imagesDir),
    async open(version, name) {
      const path = pathOf(version, name);
      return path === undefined ? undefined : files.open(path);
    },
    async digest(version, name) {
      const path = pathOf(version, name);
      return path === undefined ? undefined : files.digest(path);
    },
  };
}
