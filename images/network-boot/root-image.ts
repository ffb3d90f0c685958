import { join } from "node:path";
import { run } from "#lib/run.ts";
import { createRender } from "../../templates/create-render.ts";
import { writeNodeFile } from "../node-files.ts";
import { installPrograms } from "./initrd.ts";
import { installModules, rootModules } from "./kernel-modules.ts";
import type { KernelPackage } from "./kernel-package.ts";
import { writeReadOnlyStore, writeStoreStart } from "./read-only-store.ts";

interface RootImageInputs {
  kernel: KernelPackage;
  rootfs: string;
  store: string;
  /** References of container images, and paths below the root, that this kind of machine never uses. */
  unwantedImages: readonly string[];
  unwantedFiles: readonly string[];
  /** `small` saves a sixth of the size for a minute or two of processor time; `quick` takes seconds. */
  packing: "small" | "quick";
  templatesDir: string;
  scratchDir: string;
  /** Adds files that only this kind of machine has. */
  extend?: (layer: string) => Promise<void>;
  signal: AbortSignal;
}

const script = new URL("squash-layers.sh", import.meta.url).pathname;
const storePath = "/usr/lib/sprout/containerd";

/** Writes a root image: the machine root, kernel modules and a read-only containerd store. */
export async function writeRootImage(file: string, inputs: RootImageInputs): Promise<void> {
  const { kernel, rootfs, templatesDir, scratchDir, unwantedFiles, packing, signal } = inputs;
  // A layer over the machine root, which stays unchanged.
  const layer = join(scratchDir, "layer");
  const store = join(layer, storePath);
  await installPrograms(layer, inputs);
  await writeReadOnlyStore(store, { ...inputs, scratchDir: join(scratchDir, "containerd") }, { signal });
  await writeStoreStart(join(layer, "usr/lib/sprout/containerd-start"), { store, path: storePath });
  const modules = { root: layer, selection: rootModules, scratchDir: join(scratchDir, "all-modules") };
  await installModules(kernel, modules, { signal });
  const render = createRender(templatesDir);
  const packetFilter = await render("modules-load/packet-filter.conf", {});
  await writeNodeFile(layer, "/etc/modules-load.d/packet-filter.conf", packetFilter);
  // The initrd starts its instances.
  const lease = await render("systemd/sprout-lease@.service", {});
  await writeNodeFile(layer, "/etc/systemd/system/sprout-lease@.service", lease);
  await inputs.extend?.(layer);
  const options = [
    ...(packing === "small" ? ["-Xhc"] : []),
    ...(unwantedFiles.length > 0 ? ["-e", ...unwantedFiles] : []),
  ];
  const args = ["--mount", "--propagation", "private", "sh", script, rootfs, layer, file, ...options];
  await run("unshare", args, { signal });
}
