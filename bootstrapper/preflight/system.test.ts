import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { firstMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";
import type { Check, CheckInput } from "./check.ts";
import { checkContainerRuntime } from "./container-runtime.ts";
import { checkClock, checkDisk, checkLeftovers, checkPorts, checkSwap, checkSysctls } from "./system.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const header = "  sl  local_address rem_address   st\n";
const images = [
  "registry.k8s.io/pause:3.10.2",
  `registry.k8s.io/kube-proxy:${defaultKubernetesVersion}`,
  "registry.k8s.io/etcd:3.7.0-0",
];
const manifest = JSON.stringify({
  kubernetesVersion: defaultKubernetesVersion,
  containerImages: images.map((ref) => ({ ref })),
});
const healthy = {
  "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
  "proc/sys/net/ipv4/ip_forward": "1\n",
  "proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
  "proc/net/tcp": `${header}   0: 0100007F:0016 00000000:0000 0A\n`,
  "proc/net/tcp6": header,
  "usr/share/sprout/manifest.json": manifest,
};
const containerd = async (command: readonly string[]) =>
  command.includes("plugins")
    ? "TYPE ID PLATFORMS STATUS\nio.containerd.grpc.v1 cri linux/amd64 ok\n"
    : images.join("\n");

const containerdWithPauseOnly = async (command: readonly string[]) =>
  command.includes("plugins") ? containerd(command) : "registry.k8s.io/pause:3.10.2\n";
const portsOf = (problems: string[]) => problems.map((problem) => /\d+/.exec(problem)?.[0]);

async function check(
  run: Check,
  files: Record<string, string> = {},
  input: Partial<CheckInput> = {},
): Promise<string[]> {
  const root = await temporaryFolder("bootstrap");
  for (const [path, text] of Object.entries({ ...healthy, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return run({
    root,
    metadata: firstMetadata,
    inContainer: true,
    leftovers: [],
    isKubeletActive: false,
    clockOffsetMs: 0,
    exec: containerd,
    signal: patientSignal(),
    ...input,
  });
}

describe("preflight checks", () => {
  it("passes on a healthy machine", async () => {
    const checks = [checkClock, checkDisk, checkLeftovers, checkPorts, checkSwap, checkSysctls, checkContainerRuntime];
    const problems = await Promise.all(checks.map((each) => check(each)));
    expect(problems.flat()).toEqual([]);
  });

  it("names a clock that is off in either direction, and tolerates half a minute", async () => {
    expect(await check(checkClock, {}, { clockOffsetMs: 31_000 })).toEqual([
      "clock: 31 s behind the metadata server; set it (timedatectl set-time, or NTP)",
    ]);
    expect(await check(checkClock, {}, { clockOffsetMs: -3_600_000 })).toEqual([
      "clock: 3600 s ahead of the metadata server; set it (timedatectl set-time, or NTP)",
    ]);
    expect(await check(checkClock, {}, { clockOffsetMs: -29_000 })).toEqual([]);
  });

  it("names every swap device", async () => {
    const problems = await check(checkSwap, {
      "proc/swaps": "Filename\tType\n/dev/sda2 partition 1 0 -2\n/swap file 1 0 -3\n",
    });
    expect(problems.map((problem) => problem.split(";")[0])).toEqual(["swap: /dev/sda2 is on", "swap: /swap is on"]);
  });

  it("names a sysctl that is off, but not the bridge's if its module is not loaded", async () => {
    const files = { "proc/sys/net/ipv4/ip_forward": "0\n", "proc/sys/net/bridge/bridge-nf-call-iptables": "" };
    expect(await check(checkSysctls, files)).toEqual([
      "sysctl: net.ipv4.ip_forward is 0; set it to 1 (sysctl -w net.ipv4.ip_forward=1)",
    ]);
  });

  it("names the role's ports that are taken, by sockets that listen only", async () => {
    const tcp = `${header} 0: 00000000:280A 00000000:0000 0A\n 1: 0100007F:094B 0100007F:1 01\n`;
    const tcp6 = `${header} 0: ${"0".repeat(32)}:192B ${"0".repeat(32)}:0000 0A\n`;
    const files = { "proc/net/tcp": tcp, "proc/net/tcp6": tcp6 };
    expect(portsOf(await check(checkPorts, files))).toEqual(["6443", "10250"]);
    expect(portsOf(await check(checkPorts, files, { metadata: workerMetadata }))).toEqual(["10250"]);
  });

  it("accepts ports taken by a kubelet that an earlier run of this allocation started", async () => {
    const files = { "proc/net/tcp": `${header} 0: 00000000:280A 00000000:0000 0A\n` };
    expect(portsOf(await check(checkPorts, files))).toEqual(["10250"]);
    expect(await check(checkPorts, files, { isKubeletActive: true })).toEqual([]);
  });

  it("names every leftover of another allocation, and how to remove it", async () => {
    const leftovers = ["/etc/kubernetes/manifests", "/var/lib/etcd/member"];
    const fix = "run sprout-bootstrap reset to give this machine back as it was imaged";
    expect(await check(checkLeftovers, {}, { leftovers })).toEqual([
      `leftovers: /etc/kubernetes/manifests is another allocation's; ${fix}`,
      `leftovers: /var/lib/etcd/member is another allocation's; ${fix}`,
    ]);
  });

  it("names images that are missing for the role, and an image baked for another version", async () => {
    const problems = await check(
      checkContainerRuntime,
      {},
      { exec: containerdWithPauseOnly, metadata: workerMetadata },
    );
    expect(problems).toEqual([
      `image: registry.k8s.io/kube-proxy:${defaultKubernetesVersion} is not in containerd's store; bake it in`,
    ]);
    const other = { "usr/share/sprout/manifest.json": manifest.replace(defaultKubernetesVersion, "v1.36.0") };
    expect(await check(checkContainerRuntime, other)).toEqual([
      `image: is baked for Kubernetes v1.36.0, the cluster is ${defaultKubernetesVersion}; use an image of that version`,
    ]);
  });

  it("waits for a container runtime that is still starting", async () => {
    let calls = 0;
    const exec = async (command: readonly string[]) => {
      if (calls++ < 4) throw new Error("connection refused");
      return containerd(command);
    };
    expect(await check(checkContainerRuntime, {}, { exec })).toEqual([]);
  });

  it("names an image manifest that is missing or invalid", async () => {
    expect(await check(checkContainerRuntime, { "usr/share/sprout/manifest.json": "{}" })).toEqual([
      "image: /usr/share/sprout/manifest.json is not an image manifest; bake the image again",
    ]);
  });
});
