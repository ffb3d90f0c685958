import { createHash } from "node:crypto";
import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { StoredArchive } from "../containerd-store.ts";
import { findSharedLibraries } from "../shared-libraries.ts";
import { useContainerd, type Ctr } from "../run-containerd.ts";

interface ReadAheadInputs {
  rootfs: string;
  containerdStore: string;
  archives: readonly StoredArchive[];
  scratchDir: string;
  signal: AbortSignal;
}

/** Programs that run on every node, in the order of their start. The plugins of the CNI configuration are added. */
const nodePrograms = [
  "/usr/bin/sprout-bootstrap",
  "/usr/bin/containerd",
  "/usr/bin/kubeadm",
  "/usr/bin/kubelet",
  "/usr/bin/containerd-shim-runc-v2",
  "/usr/sbin/runc",
  "/usr/sbin/xtables-nft-multi",
];
const pluginsDir = "/usr/lib/cni";
/** In no configuration: containerd itself runs it. */
const loopbackPlugin = "loopback";
const cniTemplate = "usr/share/sprout/templates/cni/10-sprout.conflist";

/** Images of every node, then a control plane's in the order of their start. Others follow. */
const imageOrder = ["pause", "kube-proxy", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/**
 * Returns the paths that a node reads before it is Ready, each once, in the order of need: programs, their shared
 * libraries, and the unpacked layers of the container images.
 */
export async function listReadAhead(inputs: ReadAheadInputs): Promise<string[]> {
  const { rootfs, containerdStore } = inputs;
  const plugins = parsePlugins(await readFile(join(rootfs, cniTemplate), "utf8"));
  const programs = [...nodePrograms, ...[loopbackPlugin, ...plugins].map((name) => join(pluginsDir, name))];
  const libraries = await findSharedLibraries(
    programs.map((path) => join(rootfs, path)),
    rootfs,
  );
  const folders = await locateLayers(inputs);
  const layers = await Promise.all(folders.map((folder) => listFiles(join(containerdStore, folder))));
  const inLayers = layers.flatMap((files, index) =>
    files.map((file) => join("/var/lib/containerd", folders[index] ?? "", file)),
  );
  const real = await Promise.all(
    [...programs, ...libraries].map(async (path) => (await realpath(join(rootfs, path))).slice(rootfs.length)),
  );
  return [...new Set([...real.map((path) => join("/", path)), ...inLayers])];
}

/** Returns the `type` of each plugin in order, including the plugin that assigns addresses. */
export const parsePlugins = (conflist: string): string[] =>
  [...conflist.matchAll(/"type":\s*"([a-z0-9-]+)"/g)].map(([, name = ""]) => name);

/** Returns the folders of unpacked layers below the store, with the images in the order of need. */
function locateLayers({ rootfs, containerdStore, archives, scratchDir, signal }: ReadAheadInputs): Promise<string[]> {
  const place = { rootfs, store: containerdStore, scratchDir };
  const ordered = archives.toSorted((a, b) => rankImage(a.ref) - rankImage(b.ref));
  return useContainerd(place, {
    signal,
    work: async (ctr) => {
      const folders: string[] = [];
      for (const { configDigest } of ordered) folders.push(...(await layersOf(configDigest, ctr)));
      return [...new Set(folders)];
    },
  });
}

export function rankImage(ref: string): number {
  const index = imageOrder.indexOf(/([^/:@]+)[:@][^/]*$/.exec(ref)?.[1] ?? "");
  return index < 0 ? imageOrder.length : index;
}

async function layersOf(configDigest: string, ctr: Ctr): Promise<string[]> {
  const config = JSON.parse(await ctr(["content", "get", configDigest])) as { rootfs: { diff_ids: string[] } };
  const snapshots = ["snapshots", "--snapshotter=overlayfs"];
  // Only a view shows where a layer and those below it are. Nothing refers to the view, so it may be collected at once.
  const view = "sprout-read-ahead";
  const mounts = await ctr([...snapshots, "view", "--target=/mnt", view, toChainId(config.rootfs.diff_ids)]);
  await ctr([...snapshots, "rm", view]).catch(() => undefined);
  return parseLayerFolders(mounts);
}

/** https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid */
export const toChainId = (diffIds: readonly string[]): string =>
  diffIds.reduce((below, diffId) =>
    below === "" ? diffId : `sha256:${createHash("sha256").update(`${below} ${diffId}`).digest("hex")}`,
  );

/**
 * Parses `mount -t overlay overlay /mnt -o …,lowerdir=…/snapshots/2/fs:…/snapshots/1/fs`, or a bind mount of one
 * folder.
 */
export const parseLayerFolders = (mounts: string): string[] =>
  [...mounts.matchAll(/\/var\/lib\/containerd\/([\w.]+\/snapshots\/\d+\/fs)/g)].map(([, folder = ""]) => folder);

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(dir.length)).toSorted();
}
