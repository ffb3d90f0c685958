import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { slowness } from "../fixtures/slowness.ts";
import { hostState, leftBehind, nothingLeft, type HostState } from "../lab/host-state.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { withQemuMachines, type EmulatedMachine, type QemuProvider } from "../lab/qemu-provider.ts";

const programs = ["qemu-system-x86_64", "dnsmasq"];
const missing = programs.filter((name) => !findProgram(name));
const reason = whyNoMachines() ?? (missing.length > 0 ? `${missing.join(", ")} not installed` : null);
const worker = "node01.memory.sprout.internal";

describe.skipIf(reason !== null)(`a worker without a disk${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let provider: QemuProvider;
  let before: HostState;
  let cluster: Cluster;
  let kubectl: Kubectl;
  let folder: string;

  beforeAll(async () => {
    const { image, kubectl: program } = await prepareImage(undefined, { networkBoot: true });
    folder = await mkdtemp(join(tmpdir(), "sprout-network-boot-"));
    lab = await startLab((nspawn) => {
      provider = withQemuMachines(nspawn, { image, isEmulated: (name) => name === worker, workDir: folder });
      return provider;
    });
    before = await hostState();
    // One computer is emulated, and the proof that its pods work ends with the deadline.
    const body = { name: "memory", controlPlanes: 1, workers: 1, provider: "nspawn", deadlineSeconds: 600 };
    const created = await lab.client.create(body);
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 600_000 });
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await lab.client.kubeconfig(cluster.id), { mode: 0o600 });
    kubectl = createKubectl({ program, kubeconfig, signal: AbortSignal.timeout(280_000) });
  });

  afterAll(async () => {
    await lab.close();
    await rm(folder, { recursive: true });
  });

  const eventsOf = async (name: string) => {
    const events: Event[] = [];
    for await (const event of lab.client.events(cluster.id, { follow: false }))
      if ("member" in event && event.member === name) events.push(event);
    return events;
  };

  it("boots by iPXE from the baked image, and becomes a Ready worker", async () => {
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    const [services] = provider.services.values();
    const [{ mac }] = [...provider.machines.values()] as [EmulatedMachine];
    expect(services?.requests.map(({ path }) => path)).toEqual([
      "/boot.ipxe",
      `/machines/${mac.replaceAll(":", "-")}.ipxe`,
      "/vmlinuz",
      "/initrd",
      "/root.squashfs",
    ]);
    const node = JSON.parse(await kubectl(["get", "node", worker, "-o", "json"])) as {
      status: { nodeInfo: { kernelVersion: string }; conditions: { type: string; status: string }[] };
    };
    expect(node.status.nodeInfo.kernelVersion).toMatch(/-cloud-/);
    expect(node.status.conditions.find(({ type }) => type === "Ready")?.status).toBe("True");
  });

  it("becomes Ready well within its deadline, and reports its boot stages", async () => {
    const [machine] = provider.machines.values();
    const events = await eventsOf(worker);
    const poweredOn = machine!.poweredOnAt;
    const seconds = (time: string) => (Date.parse(time) - poweredOn) / 1000;
    const rows = events
      .filter((event) => event.type === "phase" && event.state === "done")
      .map((event) => `${seconds(event.at).toFixed(1).padStart(6)} s  ${event.type === "phase" ? event.phase : ""}`);
    const ready = seconds(cluster.readyAt!);
    const early = (await readFile(machine!.consoleFile, "utf8")).match(/sprout: .* after .* s/g) ?? [];
    process.stdout.write(`power-on to:\n${[...early, ...rows].join("\n")}\n${ready.toFixed(1).padStart(6)} s  ready\n`);
    expect(early).toHaveLength(3);
    // The computer is emulated, next to whatever else this host runs.
    expect(ready).toBeLessThan(90 * (await slowness()));
  });

  it("joins an available cluster: its pods resolve names", async () => {
    const available = await lab.client.wait(cluster.id, { condition: "available", timeoutMs: 150_000 });
    expect({ state: available.state, failure: available.failure }).toEqual({ state: "ready", failure: null });
    expect(available.availableAt).not.toBeNull();
    const seconds = (Date.parse(available.availableAt!) - Date.parse(available.readyAt!)) / 1000;
    process.stdout.write(`Ready to available: ${seconds.toFixed(1)} s\n`);
  });

  it("has a kubelet that refuses cgroup v1, since its kernel has v2 alone", async () => {
    const { kubeletconfig } = JSON.parse(await kubectl(["get", "--raw", `/api/v1/nodes/${worker}/proxy/configz`])) as {
      kubeletconfig: { failCgroupV1: boolean };
    };
    expect(kubeletconfig.failCgroupV1).toBe(true);
  });

  it("answers in a pod, from the other node, through a Service and a NodePort", async () => {
    const timeouts = { timeoutMs: 120_000, signal: AbortSignal.timeout(200_000), now: Date.now };
    const result = await runWorkload({ kubectl, nodes: 2, ...timeouts });
    expect(result).toMatchObject({ pods: 2, crossNode: 2, serviceBackends: 2, nodePorts: 2 });
  });

  it("leaves nothing when its cluster is deleted", async () => {
    await lab.client.delete(cluster.id);
    expect((await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 })).state).toBe("deleted");
    expect(await leftBehind(before)).toEqual(nothingLeft);
    expect([...provider.machines.keys()]).toEqual([]);
  });
});
