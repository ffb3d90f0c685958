import { join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";
import { listBootImages } from "./boot-images.ts";
import { type AssetFile, createAssetFiles } from "./asset-files.ts";

/** What computers load: kernel and initrd, then the root that is to be in their memory or on their disk. */
export const bootAssetNames = ["vmlinuz", "initrd", "root.squashfs", "disk.squashfs"] as const;
export type BootAssetName = (typeof bootAssetNames)[number];

/** iPXE for firmware that is none: BIOS by TFTP, UEFI by TFTP or HTTP. */
const ipxeNames = ["undionly.kpxe", "snponly.efi"];

export interface BootAssets {
  /** Kubernetes versions whose image can be booted over the network, newest first. */
  versions(): Promise<string[]>;
  /** Of the image of that Kubernetes version, or of "ipxe". Undefined where there is none; any text is safe to ask for. */
  open(version: string, name: string): Promise<AssetFile | undefined>;
  /** The same of its SHA-512 alone, hexadecimal; without instructions for either it takes two thirds of the time of SHA-256. */
  digest(version: string, name: string): Promise<string | undefined>;
}

/** `imagesDir` has a folder for each baked image, named by its Kubernetes version. */
export function createBootAssets({ imagesDir, ipxeDir }: { imagesDir: string; ipxeDir: string }): BootAssets {
  const files = createAssetFiles("sha512");
  const pathOf = (version: string, name: string) => {
    if (version === "ipxe") return ipxeNames.includes(name) ? join(ipxeDir, name) : undefined;
    if (!isBootAssetName(name) || !KubernetesVersion.safeParse(version).success) return undefined;
    return join(imagesDir, version, "network-boot", name);
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

const isBootAssetName = (name: string): name is BootAssetName => bootAssetNames.some((known) => known === name);
