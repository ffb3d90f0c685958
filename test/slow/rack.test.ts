import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Machine } from "#api/machine.ts";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { type EmulationLimits, longestMs, measureLimits } from "../fixtures/emulation-limits.ts";
import { hostState, type HostState, leftBehind, nothingLeft } from "../lab/host-state.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { uefiFirmware } from "../lab/qemu-machine.ts";
import { type Rack, type RackMachine, startRack } from "../lab/rack.ts";

const missing = ["qemu-system-x86_64", "dnsmasq"].filter((name) => !findProgram(name));
const noUefi = [uefiFirmware, "/usr/lib/ipxe/snponly.efi"].filter((file) => !existsSync(file));
const lacking = [...missing, ...noUefi];
const reason = whyNoMachines() ?? (lacking.length > 0 ? `${lacking.join(", ")} not installed` : null);

const pressButton = ({ controller }: RackMachine) => controller.system.reset({ ResetType: "On" });
let limits: EmulationLimits;
const workload = (nodes: number, seconds: number) => ({
  nodes,
  timeoutMs: limits.milliseconds(seconds),
  signal: AbortSignal.timeout(limits.milliseconds(seconds + 50)),
  now: Date.now,
});
const says = async (machine: RackMachine, text: string) => {
  await expect.poll(() => machine.said(), limits.within(60)).toContain(text);
};

describe.skipIf(reason !== null)(
  `from a rack without systems to clusters${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let rack: Rack;
    let folder: string;
    let before: HostState;
    let program: string;
    let bios: RackMachine;
    let uefi: RackMachine;
    let first: RackMachine;
    let second: RackMachine;

    beforeAll(async () => {
      ({ kubectl: program } = await prepareImage(undefined, { networkBoot: true }));
      limits = await measureLimits();
      folder = await mkdtemp(join(tmpdir(), "sprout-rack-test-"));
      rack = await startRack();
      before = await hostState();
      bios = await rack.add({ memoryMiB: 2048, cards: 2 });
      uefi = await rack.add({ firmware: "uefi", memoryMiB: 2048 });
      // kubeadm gives an API server ten seconds for an answer, so the emulated machine has two cores.
      first = await rack.add({ memoryMiB: 4096, cpus: 2, diskGiB: 12 });
      second = await rack.add({ firmware: "uefi", memoryMiB: 2048, diskGiB: 12 });
    });

    afterAll(async () => {
      await rack.close();
      await rm(folder, { recursive: true });
    });

    const find = async ({ mac }: RackMachine) => (await rack.machines.list({ mac }))[0];
    const kubectlOf = async (cluster: Cluster): Promise<Kubectl> => {
      const kubeconfig = join(folder, cluster.name);
      await writeFile(kubeconfig, await rack.lab.client.kubeconfig(cluster.id), { mode: 0o600 });
      return createKubectl({ program, kubeconfig, signal: AbortSignal.timeout(longestMs) });
    };
    const tellWhy = async (machine: RackMachine) => {
      const known = await find(machine);
      const lines = known?.events.map(({ at, type, message }) => `${at} ${type}: ${message}`) ?? [];
      process.stderr.write(`${lines.join("\n")}\n${(await machine.said()).slice(-6000)}\n`);
    };
    /** Registered and inspected, without the operator's help. */
    const inspected = async (machine: RackMachine): Promise<Machine> => {
      await expect.poll(async () => (await find(machine))?.hardware ?? null, limits.within(120)).not.toBeNull();
      return (await find(machine))!;
    };
    const approveWithDisk = async (machine: RackMachine) => {
      await pressButton(machine);
      const { id, hardware } = await inspected(machine);
      expect(hardware?.disks).toEqual([{ name: "vda", sizeGiB: 12 }]);
      await rack.machines.step(id, "approve");
      await rack.setUp(id, machine);
    };
    const waitReady = async (cluster: Cluster, ...machines: RackMachine[]) => {
      const ready = await rack.lab.client.wait(cluster.id, { condition: "ready", timeoutMs: longestMs });
      if (ready.state !== "ready") {
        process.stderr.write(`${JSON.stringify(ready.failure)}\n`);
        for (const machine of machines) await tellWhy(machine);
      }
      expect({ state: ready.state, failure: ready.failure }).toEqual({ state: "ready", failure: null });
      return ready;
    };

    describe("machines without a disk", () => {
      let cluster: Cluster;
      let kubectl: Kubectl;

      it("identify themselves, report their hardware and wait for approval while unknown", async () => {
        const poweredOnAt = Date.now();
        await Promise.all([pressButton(bios), pressButton(uefi)]);
        for (const machine of [bios, uefi]) {
          const seen = await inspected(machine);
          expect(seen).toMatchObject({ state: "seen", serial: expect.stringMatching(/^RACK-/) });
          const macs = [machine.mac, machine.secondMac].filter((mac) => mac !== undefined);
          expect(seen.macs).toEqual(macs);
          expect(seen.hardware).toMatchObject({ cpus: 1, disks: [], nics: macs.map((mac) => ({ mac })) });
          await says(machine, `sprout machines approve ${seen.id}`);
          await says(machine, `MAC ${machine.mac}`);
          const approved = await rack.machines.step(seen.id, "approve");
          expect(approved.state).toBe("free");
          await says(machine, "This machine is approved, and no cluster needs it now");
          await rack.setUp(seen.id, machine);
        }
        process.stdout.write(`power-on to approved and waiting: ${Math.round((Date.now() - poweredOnAt) / 1000)} s\n`);
      });

      it("become Ready workers of a real cluster, BIOS and UEFI, with a pod that answers on each", async () => {
        const created = await rack.lab.client.create({
          name: "memory",
          controlPlanes: 1,
          workers: 2,
          provider: "rack",
          deadlineSeconds: limits.deadline(240),
        });
        cluster = await waitReady(created, bios, uefi);
        for (const { controller } of [bios, uefi]) expect(controller.system.boots.at(-1)).toMatch(/^Pxe, /);
        kubectl = await kubectlOf(cluster);
        const { member } = (await find(bios))!.assignment!;
        const { address } = cluster.members.find(({ name }) => name === member)!;
        expect(address).toBe(await rack.leaseOf(bios.secondMac!));
        const result = await runWorkload({ kubectl, ...workload(3, 150) });
        expect(result).toMatchObject({ pods: 3, crossNode: 6, serviceBackends: 3, nodePorts: 3 });
      });

      it("get a new allocation when they reboot: memory and credentials are gone, the node comes back", async () => {
        const { id, assignment } = (await find(bios))!;
        const member = cluster.members.find(({ name }) => name === assignment?.member)!;
        const bootId = () => kubectl(["get", "node", member.name, "-o", "jsonpath={.status.nodeInfo.bootID}"]);
        const firstBoot = await bootId();
        await rack.machines.switchPower(id, "network-boot");
        await expect.poll(bootId, limits.within(150)).not.toBe(firstBoot);
        await kubectl(["wait", "--for=condition=Ready", `node/${member.name}`, `--timeout=${limits.deadline(90)}s`]);
        const now = (await rack.lab.client.get(cluster.id)).members.find(({ name }) => name === member.name);
        expect(now?.allocation).not.toBe(member.allocation);
        expect((await find(bios))?.assignment?.allocation).toBe(now?.allocation);
      });

      it("become powered off and free when their cluster is deleted", async () => {
        await rack.lab.client.delete(cluster.id);
        const deleted = await rack.lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: longestMs });
        expect(deleted.state).toBe("deleted");
        for (const machine of [bios, uefi]) {
          expect(await find(machine)).toMatchObject({ state: "free", assignment: null });
          expect(machine.powered.isOn()).toBe(false);
        }
      });
    });

    describe("machines with disks", () => {
      let cluster: Cluster;
      let kubectl: Kubectl;

      // An emulated API server needs minutes, and requests meanwhile are refused or interrupted.
      const patience = { timeout: longestMs, interval: 2000 };
      const waitUsable = async (created: Cluster, ...machines: RackMachine[]) => {
        cluster = await waitReady(created, ...machines);
        kubectl = await kubectlOf(cluster);
      };
      const read = (node: string, path: string) => kubectl(["get", "node", node, "-o", `jsonpath={${path}}`]);
      const bootIdOf = (node: string) => read(node, ".status.nodeInfo.bootID");
      const isReady = (node: string) => read(node, '.status.conditions[?(@.type=="Ready")].status');
      const reboot = async (machine: RackMachine) => {
        const { member } = (await find(machine))!.assignment!;
        const { name, allocation } = cluster.members.find((one) => one.name === member)!;
        const firstBoot = await bootIdOf(name);
        await rack.machines.switchPower((await find(machine))!.id, "cycle");
        await expect.poll(() => bootIdOf(name), patience).not.toBe(firstBoot);
        await expect.poll(() => isReady(name), patience).toBe("True");
        expect(await machine.said()).toContain(`${name} of cluster ${cluster.name} boots from its disk`);
        expect((await find(machine))?.assignment).toMatchObject({ allocation, installedAt: expect.any(String) });
      };
      const deleteAndWipe = async (...machines: RackMachine[]) => {
        await rack.lab.client.delete(cluster.id);
        for (const machine of machines) {
          await expect.poll(async () => (await find(machine))?.state, limits.within(180)).toBe("free");
          expect(await machine.said()).toContain("sprout: Wiping /dev/vda");
        }
        return (await rack.lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: longestMs })).state;
      };

      it("become workers, installed in the same boot", async () => {
        await approveWithDisk(second);
        const created = await rack.lab.client.create({
          name: "disk",
          controlPlanes: 1,
          workers: 1,
          provider: "rack",
          deadlineSeconds: limits.deadline(600),
        });
        await waitUsable(created, second);
        expect(await second.said()).toContain("Installing to /dev/vda");
      });

      it("stay the same workers after a boot from disk by UEFI, with pods that answer", async () => {
        await reboot(second);
        const result = await runWorkload({ kubectl, ...workload(2, 300) });
        expect(result).toMatchObject({ pods: 2, crossNode: 2, nodePorts: 2 });
      });

      it("become wiped, powered off and free when their cluster is deleted", async () => {
        expect(await deleteAndWipe(second)).toBe("deleted");
      });

      it("become a Ready cluster of provider bare-metal, installed in the same boot", async () => {
        await approveWithDisk(first);
        const created = await rack.lab.client.create({
          name: "metal",
          controlPlanes: 1,
          workers: 1,
          provider: "bare-metal",
          machines: { install: true, controlPlanes: { minCpus: 2 } },
          deadlineSeconds: limits.deadline(900),
        });
        await waitUsable(created, first, second);
        for (const machine of [first, second]) expect(await machine.said()).toContain("Installing to /dev/vda");
      });

      it("stay the same control plane after a boot from disk by BIOS", async () => {
        // Both cores of a small host are the control plane's then.
        await rack.machines.switchPower((await find(second))!.id, "off");
        await expect.poll(() => second.powered.isOn(), limits.within(30)).toBe(false);
        await reboot(first);
      });

      it("become wiped together when the cluster of both is deleted", async () => {
        expect(await deleteAndWipe(first, second)).toBe("deleted");
      });

      it("leave nothing on the host", async () => {
        for (const { powered } of [first, second])
          await expect.poll(() => powered.isOn(), limits.within(30)).toBe(false);
        expect(await leftBehind(before)).toEqual(nothingLeft);
      });
    });
  },
  longestMs,
);
