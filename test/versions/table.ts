import { kubernetesReleases } from "#api/kubernetes-version.ts";
import { median } from "../bench/median.ts";
import type { VersionTimes } from "./measure.ts";

const inSeconds = (all: readonly number[]) => `${median(all).toFixed(1)} (${Math.max(...all).toFixed(1)})`;

/** A row for each version: p50 and, in brackets, the worst. */
export function renderTable(all: readonly VersionTimes[]): string {
  const head = [
    "| Kubernetes | etcd | CoreDNS | containerd | 1 + 3 Ready | DNS on every node | 1 + 2 by `kubeadm join` | all rebooted, pods answer |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  const rows = all.map(({ version, ready, dns, joined, reboot }) => {
    const release = kubernetesReleases.find((known) => known.version === version);
    const parts = [release?.etcd, release?.coredns, release?.containerd].map((part) => part ?? "–");
    const times = [inSeconds(ready), inSeconds(dns), inSeconds(joined), reboot.toFixed(1)];
    return `| ${[version, ...parts, ...times].join(" | ")} |`;
  });
  return [...head, ...rows, ""].join("\n");
}
