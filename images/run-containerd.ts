import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { run } from "#lib/run.ts";

/** Runs `ctr` in containerd's Kubernetes namespace and returns what it printed. */
export type Ctr = (args: readonly string[]) => Promise<string>;

// Each of these programs executes the next, so containerd has this process id; its mounts end with it.
const dieWithParent = ["--pdeathsig", "TERM"];
const ownMounts = ["--mount", "--propagation", "private"];
const script = new URL("containerd-in-rootfs.sh", import.meta.url).pathname;

/** In the scratch folder, which no other containerd uses: outside the chroot, the default is the host's socket. */
const socket = "/mnt/containerd.sock";

/**
 * Only for the store: no CRI plugin under either of its names, nothing that needs a running system. containerd 1 reads
 * it, too.
 */
const config = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.native", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.blockfile"]
[grpc]
  address = "${socket}"
`;

/**
 * Works on a containerd store with the containerd of `rootfs`; needs no machine and no containerd on the host.
 * `scratchDir` is mounted there at /mnt and holds configuration and socket.
 */
export async function useContainerd<T>(
  { rootfs, store, scratchDir }: { rootfs: string; store: string; scratchDir: string },
  { signal, work }: { signal: AbortSignal; work: (ctr: Ctr) => Promise<T> },
): Promise<T> {
  await writeFile(join(scratchDir, "containerd.toml"), config);
  const stop = new AbortController();
  const containerd = execa(
    "setpriv",
    [...dieWithParent, "unshare", ...ownMounts, "sh", script, rootfs, store, scratchDir],
    {
      cancelSignal: AbortSignal.any([signal, stop.signal]),
      forceKillAfterDelay: 5000,
      stdin: "ignore",
      reject: false,
    },
  );
  try {
    const { pid } = containerd;
    if (pid === undefined) throw new Error("Cannot change container images: setpriv is not installed");
    const enter = [`--target=${pid}`, "--mount", "--root", "--wd"];
    const ctr: Ctr = (args) =>
      run("nsenter", [...enter, "/usr/bin/ctr", `--address=${socket}`, "--namespace=k8s.io", ...args], { signal });
    const ended = containerd.then(({ stderr }) => {
      throw new Error(`Cannot change container images: containerd exited early: ${stderr.slice(-2000)}`);
    });
    return await Promise.race([ended, waitUntilAnswering(ctr, signal).then(() => work(ctr))]);
  } finally {
    stop.abort();
    await containerd;
  }
}

async function waitUntilAnswering(ctr: Ctr, signal: AbortSignal) {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return await ctr(["version"]);
    } catch (cause) {
      if (performance.now() > deadline)
        throw new Error("Cannot change container images: containerd does not answer after 30 s", { cause });
    }
    await sleep(50, undefined, { signal });
  }
}
