import { join } from "node:path";
import { bindFolders } from "./machine-folder.ts";

/** Arguments of `systemd-nspawn` with which an unmodified kubelet, containerd and kube-proxy run inside. */
export function nspawnArguments(folder: string, machine: string): string[] {
  return [
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--kill-signal=SIGRTMIN+3",
    `--machine=${machine}`,
    `--directory=${join(folder, "root")}`,
    `--network-namespace-path=/run/netns/${machine}`,
    "--capability=all",
    // runc gives every container a session keyring, and kubelet reads device cgroups by bpf.
    "--system-call-filter=@keyring bpf",
    "--bind=/dev/kmsg",
    ...Object.entries(bindFolders).map(([name, target]) => `--bind=${join(folder, name)}:${target}`),
    `--bind-ro=${join(folder, "seed.json")}:/etc/sprout/seed.json`,
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    "/usr/lib/sprout/nspawn-init",
  ];
}

/** Lets the machine write the network part of /proc/sys; the rest stays read-only. */
export const nspawnEnvironment = { SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network", SYSTEMD_NSPAWN_LOCK: "0" };
