import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseLayerFolders, parsePlugins, rankImage, toChainId } from "./read-ahead.ts";

const chained = (below: string, layer: string) =>
  `sha256:${createHash("sha256").update(`${below} ${layer}`).digest("hex")}`;

const snapshots = "io.containerd.snapshotter.v1.overlayfs/snapshots";

it("parsePlugins names the plugins of the baked CNI configuration, and what gives out their addresses", async () => {
  const conflist = await readFile(join(import.meta.dirname, "../../templates/cni/10-sprout.conflist"), "utf8");
  expect(parsePlugins(conflist)).toEqual(["bridge", "host-local", "portmap"]);
});

it("toChainId returns the digest of a single layer, and a hash over all digests of several", () => {
  const [one, two, three] = ["1", "2", "3"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string];
  expect(toChainId([one])).toBe(one);
  expect(toChainId([one, two, three])).toBe(chained(chained(one, two), three));
});

it("parseLayerFolders returns the folders of one layer and of many", () => {
  const root = "/var/lib/containerd";
  expect(parseLayerFolders(`mount -t bind ${root}/${snapshots}/7/fs /mnt -o ro,rbind`)).toEqual([`${snapshots}/7/fs`]);
  const lower = `${root}/${snapshots}/12/fs:${root}/${snapshots}/3/fs`;
  expect(parseLayerFolders(`mount -t overlay overlay /mnt -o index=off,lowerdir=${lower}`)).toEqual([
    `${snapshots}/12/fs`,
    `${snapshots}/3/fs`,
  ]);
});

it("rankImage puts every node's images before a control plane's, and these in the order of their start", () => {
  const refs = [
    "localhost/sprout/busybox:1",
    "registry.k8s.io/kube-scheduler:v1.37.2",
    "registry.example:5000/k8s/kube-apiserver:v1.31.4",
    "registry.k8s.io/etcd:3.4.13-0",
    "registry.k8s.io/pause:3.10.2",
    "registry.k8s.io/kube-proxy@sha256:0a",
  ];
  const names = refs.toSorted((a, b) => rankImage(a) - rankImage(b)).map((ref) => /([a-z-]+)[:@][^/]*$/.exec(ref)?.[1]);
  expect(names).toEqual(["pause", "kube-proxy", "etcd", "kube-apiserver", "kube-scheduler", "busybox"]);
});
