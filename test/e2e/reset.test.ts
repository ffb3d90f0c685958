import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import type { MachineProvider, Segment } from "../../metadata-server/providers/provider.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();

/**
 * Like a provider whose machines outlive a cluster (bare metal): the second cluster's seeds go into the first one's
 * machines, which keep their addresses.
 */
function createRecyclingProvider(provider: MachineProvider, machinesDir: () => string): MachineProvider {
  const segments: Segment[] = [];
  const allocations: string[] = [];
  return {
    ...provider,
    async reserve(request) {
      const [first] = segments;
      const segment = first ?? (await provider.reserve(request));
      const machines = request.members.map(({ name, role }, index) => ({ ...segment.machines[index]!, name, role }));
      segments.push({ ...segment, machines });
      return segments.at(-1)!;
    },
    async launch(spec, signal) {
      const index = segments.at(-1)!.machines.findIndex(({ name }) => name === spec.name);
      const allocation = allocations[index];
      if (segments.length === 1) {
        allocations[index] = spec.allocation;
        return provider.launch(spec, signal);
      }
      // In place, since the machine has this file mounted.
      await writeFile(join(machinesDir(), allocation!, "seed.json"), JSON.stringify(spec.seed));
      const machine = { machinesDir: machinesDir(), allocation: allocation! };
      await execInMachine(machine, ["systemctl", "restart", "--no-block", "sprout-bootstrap.service"]);
      return undefined;
    },
  };
}

describe.skipIf(reason !== null)(`machines that are reset${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let program: string;
  let first: Cluster;

  beforeAll(async () => {
    program = (await prepareImage()).kubectl;
    lab = await startLab((provider) => createRecyclingProvider(provider, () => lab.machinesDir));
    first = await bringUp("first");
  });
  afterAll(() => lab.close());

  async function bringUp(name: string): Promise<Cluster> {
    const { id } = await lab.client.create({ name, controlPlanes: 1, workers: 1, provider: "nspawn" });
    const cluster = await lab.client.wait(id, { condition: "ready", timeoutMs: 200_000 });
    expect(cluster).toMatchObject({ state: "ready", failure: null });
    const kubectl = await createLabKubectl(lab, { clusterId: id, program });
    const signal = AbortSignal.timeout(200_000);
    const answers = await runWorkload({ kubectl, nodes: 2, timeoutMs: 120_000, signal, now: Date.now });
    expect(answers).toMatchObject({ pods: 2, crossNode: 2 });
    return cluster;
  }
  const exec = (index: number, ...argv: [string, ...string[]]) =>
    execInMachine({ machinesDir: lab.machinesDir, allocation: first.members[index]!.allocation }, argv);
  const lines = async (index: number, script: string) => (await exec(index, "sh", "-c", script)).stdout;

  it("keep no process, container, mount, link, route, rule or file of Kubernetes, however often reset runs", async () => {
    for (const index of [0, 1]) {
      expect(await lines(index, "find /etc/kubernetes /var/lib/kubelet -type f")).not.toBe("");
      // As right after Ready, while bring-up continues; on the second machine systemd is about to start it again.
      await exec(index, "systemctl", "restart", "--no-block", "sprout-bootstrap.service");
      if (index === 1) await exec(index, "systemctl", "kill", "--signal=KILL", "sprout-bootstrap.service");
      for (let time = 0; time < 2; time += 1) {
        const { exitCode, stderr } = await exec(index, "sprout-bootstrap", "reset");
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      }
      expect({
        processes: await lines(index, "ps -e -o comm= | grep -E '^(kube|etcd|containerd-shim|pause|httpd|busybox)'"),
        containers: await lines(index, "ctr --namespace k8s.io containers ls --quiet"),
        mounts: await lines(
          index,
          "cut -d' ' -f5 /proc/self/mountinfo | grep -E '/var/lib/kubelet/|netns/cni|/rootfs|/shm$' | grep -v '^/dev/shm$'",
        ),
        links: await lines(index, "ls /sys/class/net | grep -vE '^(lo|eth0)$'"),
        routes: await lines(index, "ip route show proto 157"),
        rules: await lines(index, "iptables-save | grep -E 'KUBE|CNI|MASQUERADE|DROP$'"),
        files: await lines(
          index,
          "find /etc/kubernetes /var/lib/kubelet /var/lib/etcd /var/lib/cni /etc/cni/net.d /var/lib/sprout /var/log/pods /var/log/containers -type f 2> /dev/null",
        ),
      }).toEqual({ processes: "", containers: "", mounts: "", links: "", routes: "", rules: "", files: "" });
      expect(await lines(index, "cat /etc/hosts")).toContain(first.members[index]!.name);
    }
  });

  it("become a cluster again under new allocations, and their pods answer", async () => {
    const second = await bringUp("second");
    expect(second.members.map(({ allocation }) => allocation)).not.toEqual(
      first.members.map(({ allocation }) => allocation),
    );
    expect(second.members.map(({ address }) => address)).toEqual(first.members.map(({ address }) => address));
  });
});
