import { join } from "node:path";
import { type AssetFile, createAssetFiles } from "../boot/asset-files.ts";

/** Architectures by Node's name, and what `uname -m` calls them. */
const machines = { x64: "x86_64", arm64: "aarch64" } as const;
const architectures = Object.keys(machines) as (keyof typeof machines)[];

export interface BootstrapperExecutable {
  arch: string;
  machine: string;
  sha256: string;
}

export interface BootstrapperExecutables {
  /** Undefined where there is none; any text is safe to ask for. */
  open(arch: string): Promise<AssetFile | undefined>;
  /** Those that there are now. */
  list(): Promise<BootstrapperExecutable[]>;
}

/** `folder` has `sprout-bootstrap` in a folder for each architecture. */
export function createBootstrapperExecutables(folder: string): BootstrapperExecutables {
  const files = createAssetFiles("sha256");
  const pathOf = (arch: string) => join(folder, arch, "sprout-bootstrap");
  return {
    open: async (arch) => (architectures.some((known) => known === arch) ? files.open(pathOf(arch)) : undefined),
    async list() {
      const found = await Promise.all(
        architectures.map(async (arch) => {
          const sha256 = await files.digest(pathOf(arch));
          return sha256 === undefined ? [] : [{ arch, machine: machines[arch], sha256 }];
        }),
      );
      return found.flat();
    },
  };
}
