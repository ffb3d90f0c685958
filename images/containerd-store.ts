import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { run } from "../metadata-server/run.ts";
import type { WrittenImage } from "./oci-archive.ts";

export interface StoredArchive extends WrittenImage {
  /** Name of the archive in the folder of archives. */
  file: string;
}

// All of these become containerd, one after the other, under one process id; its mounts go with it.
const dieWithParent = ["--pdeathsig", "TERM"];
const ownMounts = ["--mount", "--propagation", "private"];
const script = new URL("containerd-in-rootfs.sh", import.meta.url).pathname;

/** In the scratch folder, where no other containerd can be: before the chroot, a default would be the host's own. */
const socket = "/mnt/containerd.sock";

/** For the import alone: no CRI, nothing that needs a running system. */
const importConfig = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.native"]
[grpc]
  address = "${socket}"
`;

/**
 * Imports OCI archives into a containerd store, unpacked for overlayfs, with the rootfs's own containerd: no machine,
 * no registry and no containerd on the host is needed. `archivesDir` gets scratch files too.
 */
export async function importIntoStore(
  {
    rootfs,
    store,
    archivesDir,
    archives,
  }: { rootfs: string; store: string; archivesDir: string; archives: readonly StoredArchive[] },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  await mkdir(store, { recursive: true, mode: 0o711 });
  await writeFile(join(archivesDir, "containerd.toml"), importConfig);
  const stop = new AbortController();
  const containerd = execa(
    "setpriv",
    [...dieWithParent, "unshare", ...ownMounts, "sh", script, rootfs, store, archivesDir],
    {
      cancelSignal: AbortSignal.any([signal, stop.signal]),
      forceKillAfterDelay: 5000,
      stdin: "ignore",
      reject: false,
    },
  );
  try {
    const { pid } = containerd;
    if (pid === undefined) throw new Error("Cannot import container images: setpriv is not installed");
    const enter = [`--target=${pid}`, "--mount", "--root", "--wd"];
    const ctr = (args: readonly string[]) =>
      run("nsenter", [...enter, "/usr/bin/ctr", `--address=${socket}`, "--namespace=k8s.io", ...args], { signal });
    const ended = containerd.then(({ stderr }) => {
      throw new Error(`Cannot import container images: containerd ended early: ${stderr.slice(-2000)}`);
    });
    await Promise.race([ended, importAll(ctr, archives, signal)]);
  } finally {
    stop.abort();
    await containerd;
  }
  await removeScratch(store);
}

async function importAll(
  ctr: (args: readonly string[]) => Promise<string>,
  archives: readonly StoredArchive[],
  signal: AbortSignal,
): Promise<void> {
  await waitUntilAnswering(ctr, signal);
  for (const { file, ref, configDigest } of archives) {
    await ctr(["images", "import", "--snapshotter=overlayfs", `/mnt/${file}`]);
    // As the CRI plugin does with an image it pulls: the id is a second name, and both carry its mark.
    await ctr(["images", "tag", ref, configDigest]);
    for (const name of [ref, configDigest]) await ctr(["images", "label", name, "io.cri-containerd.image=managed"]);
  }
  const stored = new Set((await ctr(["images", "ls", "--quiet"])).split("\n"));
  const missing = archives.filter(({ ref }) => !stored.has(ref)).map(({ ref }) => ref);
  if (missing.length > 0) throw new Error(`Cannot import container images: ${missing.join(", ")} not in the store`);
}

async function waitUntilAnswering(ctr: (args: readonly string[]) => Promise<string>, signal: AbortSignal) {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return await ctr(["version"]);
    } catch (cause) {
      if (performance.now() > deadline)
        throw new Error("Cannot import container images: containerd does not answer after 30 s", { cause });
    }
    await sleep(50, undefined, { signal });
  }
}

/** Folders that containerd makes anew at every start. */
async function removeScratch(store: string): Promise<void> {
  const kept = ["content", "metadata", "overlayfs"];
  for (const name of await readdir(store))
    if (!kept.some((part) => name.includes(part))) await rm(join(store, name), { recursive: true });
}
