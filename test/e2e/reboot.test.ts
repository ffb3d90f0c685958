import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import type { Phase, PhaseState } from "#api/phase.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { readConsole, waitForStep } from "../lab/console.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { cutPower, execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();
const kill = ["systemctl", "kill", "--signal=KILL", "sprout-bootstrap.service"];

const podsAnswer = (kubectl: Kubectl) =>
  runWorkload({ kubectl, nodes: 2, timeoutMs: 120_000, signal: AbortSignal.timeout(200_000), now: Date.now });

describe.skipIf(reason !== null)(
  `machines that are killed and rebooted${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let lab: Lab;
    let program: string;

    beforeAll(async () => {
      program = (await prepareImage()).kubectl;
      lab = await startLab();
    });
    afterAll(() => lab.close());

    const machineOf = (cluster: Cluster, name: string) => ({
      machinesDir: lab.machinesDir,
      allocation: cluster.members.find((member) => member.name.startsWith(name))!.allocation,
    });
    const create = (name: string) => lab.client.create({ name, controlPlanes: 1, workers: 1, provider: "nspawn" });
    const ready = (cluster: Cluster) => lab.client.wait(cluster.id, { condition: "ready", timeoutMs: 200_000 });
    async function strike(cluster: Cluster, name: string, at: [Phase, PhaseState], command: string[]) {
      const machine = machineOf(cluster, name);
      await waitForStep(machine, { phase: at[0], state: at[1], signal: AbortSignal.timeout(60_000) });
      await execInMachine(machine, command);
    }
    async function connect(cluster: Cluster): Promise<Kubectl> {
      return createLabKubectl(lab, { clusterId: cluster.id, program });
    }
    async function remove(cluster: Cluster) {
      await lab.client.delete(cluster.id);
      await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 });
    }
    async function alertsOf(cluster: Cluster) {
      const alerts: Event[] = [];
      for await (const event of lab.client.events(cluster.id, { follow: false }))
        if (event.type === "alert") alerts.push(event);
      return alerts;
    }
    async function expectResumed(cluster: Cluster, how: RegExp) {
      for (const name of ["cp01", "node01"]) {
        const text = await readConsole(machineOf(cluster, name));
        expect(text).toMatch(how);
        expect(text).not.toMatch(/PRIVATE KEY|client-key-data/);
      }
      expect(await alertsOf(cluster)).toEqual([]);
    }

    it.each<[string, [Phase, PhaseState], [Phase, PhaseState]]>([
      ["early", ["metadata", "done"], ["claim", "done"]],
      ["middle", ["render", "done"], ["confirm", "started"]],
      ["late", ["cluster-config", "started"], ["kubelet", "done"]],
    ])(
      "a control plane and a worker killed -9 (%s) come up Ready, started again by systemd",
      async (name, cp, node) => {
        const cluster = await create(name);
        await Promise.all([strike(cluster, "cp01", cp, kill), strike(cluster, "node01", node, kill)]);
        expect(await ready(cluster)).toMatchObject({ state: "ready", failure: null });
        await expectResumed(cluster, /"message":"discover started"[^]*"message":"discover started"/);
        await remove(cluster);
      },
    );

    it.each<[string, [Phase, PhaseState], [Phase, PhaseState]]>([
      ["files", ["render", "done"], ["render", "started"]],
      ["running", ["api-server", "done"], ["kubelet", "done"]],
    ])(
      "a control plane and a worker whose power is cut (%s) come up Ready within their deadline",
      async (name, cp, node) => {
        const cluster = await create(`power-${name}`);
        await Promise.all([strike(cluster, "cp01", cp, cutPower), strike(cluster, "node01", node, cutPower)]);
        expect(await ready(cluster)).toMatchObject({ state: "ready", failure: null });
        await expectResumed(cluster, / after a reboot/);
        expect(await podsAnswer(await connect(cluster))).toMatchObject({ pods: 2 });
        await remove(cluster);
      },
    );

    it("answer from their pods again after every machine of a Ready cluster reboots; the verdict stays", async () => {
      const cluster = await create("after");
      expect(await ready(cluster)).toMatchObject({ state: "ready" });
      await lab.client.wait(cluster.id, { condition: "available", timeoutMs: 120_000 });
      const kubectl = await connect(cluster);
      const bootIds = async () =>
        (await kubectl(["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.bootID}"])).split(" ");
      const before = await bootIds();
      for (const name of ["node01", "cp01"]) await execInMachine(machineOf(cluster, name), ["systemctl", "reboot"]);
      const rebooted = async () => {
        const now = await bootIds().catch((): string[] => []);
        return now.length === 2 && now.every((id) => !before.includes(id));
      };
      await expect.poll(rebooted, { timeout: 120_000, interval: 500 }).toBe(true);
      await kubectl(["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=120s"]);
      expect(await podsAnswer(kubectl)).toMatchObject({ pods: 2, crossNode: 2 });
      for (const name of ["cp01", "node01"]) {
        expect(await readConsole(machineOf(cluster, name))).toContain("is done: starting what it runs after a reboot");
        // The earlier boot leaves nothing that kubelet could mistake for a container.
        const kubelet = await execInMachine(machineOf(cluster, name), ["journalctl", "--unit=kubelet.service"]);
        expect(kubelet.stdout).toContain("Started kubelet");
        expect(kubelet.stdout).not.toContain("Failed to create existing container");
        const rules = await execInMachine(machineOf(cluster, name), ["iptables-save", "-t", "filter"]);
        expect(rules.stdout).toMatch(/-A FORWARD -s 10\.244\.\d+\.0\/24 -d 10\.77\.\S+ -p tcp .*-j DROP/);
      }
      expect(await lab.client.get(cluster.id)).toMatchObject({ state: "ready", failure: null });
      expect(await alertsOf(cluster)).toEqual([]);
      await remove(cluster);
    });
  },
);
