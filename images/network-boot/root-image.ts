import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../metadata-server/run.ts";
import { renderNodeFile } from "../node-files.ts";
import { installPrograms } from "./initrd.ts";
import { installModules, rootModules } from "./kernel-modules.ts";
import type { KernelPackage } from "./kernel-package.ts";
import { writeStoreStart, writeWorkerStore } from "./worker-store.ts";

export interface RootImageInputs {
  kernel: KernelPackage;
  rootfs: string;
  store: string;
  containerImages: readonly { ref: string }[];
  templatesDir: string;
  scratchDir: string;
  signal: AbortSignal;
}

const script = new URL("squash-layers.sh", import.meta.url).pathname;
const storePath = "/usr/lib/sprout/containerd";

/** No worker runs these, and they would be in its memory. */
const withoutPrograms = ["usr/bin/containerd-shim", "usr/bin/containerd-shim-runc-v1", "usr/bin/kubectl"];

/** Writes the root of a worker that runs from memory: the machine root, kernel modules and a read-only containerd store. */
export async function writeRootImage(file: string, inputs: RootImageInputs): Promise<void> {
  const { kernel, rootfs, templatesDir, scratchDir, signal } = inputs;
  // A layer over the machine root, which stays as it is.
  const layer = join(scratchDir, "layer");
  const store = join(layer, storePath);
  await installPrograms(layer, inputs);
  await writeWorkerStore(store, { ...inputs, scratchDir: join(scratchDir, "containerd") }, { signal });
  await writeStoreStart(join(layer, "usr/lib/sprout/containerd-start"), { store, path: storePath });
  const modules = { root: layer, selection: rootModules, scratchDir: join(scratchDir, "all-modules") };
  await installModules(kernel, modules, { signal });
  await installLease(layer, templatesDir);
  await run("unshare", ["--mount", "--propagation", "private", "sh", script, rootfs, layer, file, ...withoutPrograms], {
    signal,
  });
}

async function installLease(layer: string, templatesDir: string): Promise<void> {
  const units = join(layer, "etc/systemd/system");
  await mkdir(join(units, "multi-user.target.wants"), { recursive: true });
  const unit = "sprout-lease.service";
  await writeFile(join(units, unit), await renderNodeFile(`systemd/${unit}`, templatesDir, {}));
  await symlink(`/etc/systemd/system/${unit}`, join(units, "multi-user.target.wants", unit));
}
