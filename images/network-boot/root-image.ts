import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../metadata-server/run.ts";
import { renderNodeFile } from "../node-files.ts";
import { installPrograms } from "./initrd.ts";
import { installModules, rootModules } from "./kernel-modules.ts";
import type { KernelPackage } from "./kernel-package.ts";
import { writeReadOnlyStore, writeStoreStart } from "./read-only-store.ts";

export interface RootImageInputs {
  kernel: KernelPackage;
  rootfs: string;
  store: string;
  /** What this kind of machine never runs: references of container images, and paths below the root. */
  unwantedImages: readonly string[];
  unwantedFiles: readonly string[];
  /** `small` takes a minute or two of processor time, and a sixth off; `quick` takes seconds. */
  packing: "small" | "quick";
  templatesDir: string;
  scratchDir: string;
  /** Adds what only this kind of machine has. */
  extend?: (layer: string) => Promise<void>;
  signal: AbortSignal;
}

const script = new URL("squash-layers.sh", import.meta.url).pathname;
const storePath = "/usr/lib/sprout/containerd";

/** Writes the root of a computer: the machine root, kernel modules and a read-only containerd store. */
export async function writeRootImage(file: string, inputs: RootImageInputs): Promise<void> {
  const { kernel, rootfs, templatesDir, scratchDir, unwantedFiles, packing, signal } = inputs;
  // A layer over the machine root, which stays as it is.
  const layer = join(scratchDir, "layer");
  const store = join(layer, storePath);
  await installPrograms(layer, inputs);
  await writeReadOnlyStore(store, { ...inputs, scratchDir: join(scratchDir, "containerd") }, { signal });
  await writeStoreStart(join(layer, "usr/lib/sprout/containerd-start"), { store, path: storePath });
  const modules = { root: layer, selection: rootModules, scratchDir: join(scratchDir, "all-modules") };
  await installModules(kernel, modules, { signal });
  await installFile(layer, "/etc/modules-load.d/packet-filter.conf", {
    template: "modules-load/packet-filter.conf",
    templatesDir,
  });
  await installLease(layer, templatesDir);
  await inputs.extend?.(layer);
  const options = [
    ...(packing === "small" ? ["-Xhc"] : []),
    ...(unwantedFiles.length > 0 ? ["-e", ...unwantedFiles] : []),
  ];
  const args = ["--mount", "--propagation", "private", "sh", script, rootfs, layer, file, ...options];
  await run("unshare", args, { signal });
}

/** Its instances are started by the initrd. */
async function installLease(layer: string, templatesDir: string): Promise<void> {
  const unit = "systemd/sprout-lease@.service";
  await installFile(layer, "/etc/systemd/system/sprout-lease@.service", { template: unit, templatesDir });
}

async function installFile(
  layer: string,
  path: string,
  { template, templatesDir }: { template: string; templatesDir: string },
): Promise<void> {
  await mkdir(dirname(join(layer, path)), { recursive: true });
  await writeFile(join(layer, path), await renderNodeFile(template, templatesDir, {}));
}
