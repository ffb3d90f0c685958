import { join } from "node:path";
import { imagePaths, networkBootFiles, parseImageFolder, versionsOf } from "#lib/image-folder.ts";
import { listBootImages } from "./boot-images.ts";
import { type AssetFile, createAssetFiles } from "./asset-files.ts";

/** iPXE for firmware without it: BIOS by TFTP, UEFI by TFTP or HTTP. */
const ipxeNames = ["undionly.kpxe", "snponly.efi"];

export interface BootAssets {
  /** Kubernetes versions whose image can be booted over the network, newest first. */
  versions(): Promise<string[]>;
  /** Opens a file of an image, such as `v1.37.2`, or of "ipxe". Undefined if there is none; any text is safe. */
  open(image: string, name: string): Promise<AssetFile | undefined>;
  /** The file's SHA-512, hexadecimal. On processors with instructions for neither it is faster than SHA-256. */
  digest(image: string, name: string): Promise<string | undefined>;
}

/** `imagesDir` holds a folder for each baked image. */
export function createBootAssets({ imagesDir, ipxeDir }: { imagesDir: string; ipxeDir: string }): BootAssets {
  const files = createAssetFiles("sha512");
  const pathOf = (image: string, name: string) => {
    if (image === "ipxe") return ipxeNames.includes(name) ? join(ipxeDir, name) : undefined;
    if (!networkBootFiles.some((known) => known === name) || parseImageFolder(image) === undefined) return undefined;
    return join(imagePaths(join(imagesDir, image)).networkBoot, name);
  };
  return {
    versions: async () => versionsOf(await listBootImages(imagesDir)),
    async open(image, name) {
      const path = pathOf(image, name);
      return path === undefined ? undefined : files.open(path);
    },
    async digest(image, name) {
      const path = pathOf(image, name);
      return path === undefined ? undefined : files.digest(path);
    },
  };
}
