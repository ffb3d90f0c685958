import { join } from "node:path";
import { architectures } from "#lib/architecture.ts";
import { type AssetFile, createAssetFiles } from "../boot/asset-files.ts";

export interface BootstrapperExecutable {
  /** Node's name of the architecture. */
  arch: string;
  /** `uname -m` of it. */
  machine: string;
  sha256: string;
}

export interface BootstrapperExecutables {
  /** Undefined if there is no executable for the architecture. Any text is safe. */
  open(arch: string): Promise<AssetFile | undefined>;
  /** The executables that exist now. */
  list(): Promise<BootstrapperExecutable[]>;
}

/** `folder` holds `sprout-bootstrap` in a subfolder for each architecture. */
export function createBootstrapperExecutables(folder: string): BootstrapperExecutables {
  const files = createAssetFiles("sha256");
  const pathOf = (arch: string) => join(folder, arch, "sprout-bootstrap");
  return {
    open: async (arch) => (architectures.some(({ node }) => node === arch) ? files.open(pathOf(arch)) : undefined),
    async list() {
      const found = await Promise.all(
        architectures.map(async ({ node: arch, machine }) => {
          const sha256 = await files.digest(pathOf(arch));
          return sha256 === undefined ? [] : [{ arch, machine, sha256 }];
        }),
      );
      return found.flat();
    },
  };
}
