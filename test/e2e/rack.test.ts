import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Machine } from "#api/machine.ts";
import { createKubectl, type Kubectl } from "../../metadata-server/cli/demo/kubectl.ts";
import { runWorkload } from "../../metadata-server/cli/demo/workload.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { hostState, type HostState, leftBehind, nothingLeft } from "../lab/host-state.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { uefiFirmware } from "../lab/qemu-machine.ts";
import { type Rack, type RackMachine, startRack } from "../lab/rack.ts";

const missing = ["qemu-system-x86_64", "dnsmasq"].filter((name) => !findProgram(name));
const noUefi = [uefiFirmware, "/usr/lib/ipxe/snponly.efi"].filter((file) => !existsSync(file));
const lacking = [...missing, ...noUefi];
const reason = whyNoMachines() ?? (lacking.length > 0 ? `${lacking.join(", ")} not installed` : null);

const pressButton = ({ controller }: RackMachine) => controller.system.reset({ ResetType: "On" });
const says = async (machine: RackMachine, text: string) => {
  await expect.poll(() => machine.said(), { timeout: 60_000, interval: 200 }).toContain(text);
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
    let withDisk: RackMachine;

    beforeAll(async () => {
      ({ kubectl: program } = await prepareImage(undefined, { networkBoot: true }));
      folder = await mkdtemp(join(tmpdir(), "sprout-rack-test-"));
      rack = await startRack();
      before = await hostState();
      bios = await rack.add({ memoryMiB: 2048, cards: 2 });
      uefi = await rack.add({ firmware: "uefi", memoryMiB: 2048 });
      withDisk = await rack.add({ memoryMiB: 2048, diskGiB: 12 });
    });

    afterAll(async () => {
      await rack.close();
      await rm(folder, { recursive: true });
    });

    const find = async ({ mac }: RackMachine) => (await rack.machines.list({ mac }))[0];
    const kubectlOf = async (cluster: Cluster, timeoutMs = 290_000): Promise<Kubectl> => {
      const kubeconfig = join(folder, cluster.name);
      await writeFile(kubeconfig, await rack.lab.client.kubeconfig(cluster.id), { mode: 0o600 });
      return createKubectl({ program, kubeconfig, signal: AbortSignal.timeout(timeoutMs) });
    };
    const tellWhy = async (machine: RackMachine) => {
      const known = await find(machine);
      const lines = known?.events.map(({ at, type, message }) => `${at} ${type}: ${message}`) ?? [];
      process.stderr.write(`${lines.join("\n")}\n${(await machine.said()).slice(-6000)}\n`);
    };
    /** Seen, and asked what it has, with nobody's help. */
    const inspected = async (machine: RackMachine): Promise<Machine> => {
      await expect
        .poll(async () => (await find(machine))?.hardware ?? null, { timeout: 120_000, interval: 300 })
        .not.toBeNull();
      return (await find(machine))!;
    };
    const waitReady = async (cluster: Cluster, timeoutMs: number, ...machines: RackMachine[]) => {
      const ready = await rack.lab.client.wait(cluster.id, { condition: "ready", timeoutMs });
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

      it("that nobody knows show who they are, tell what they have, and wait until they are approved", async () => {
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
          deadlineSeconds: 240,
        });
        cluster = await waitReady(created, 270_000, bios, uefi);
        for (const { controller } of [bios, uefi]) expect(controller.system.boots.at(-1)).toMatch(/^Pxe, /);
        kubectl = await kubectlOf(cluster);
        const { member } = (await find(bios))!.assignment!;
        const { address } = cluster.members.find(({ name }) => name === member)!;
        expect(address).toBe(await rack.leaseOf(bios.secondMac!));
        const timeouts = { timeoutMs: 150_000, signal: AbortSignal.timeout(200_000), now: Date.now };
        const result = await runWorkload({ kubectl, nodes: 3, ...timeouts });
        expect(result).toMatchObject({ pods: 3, crossNode: 6, serviceBackends: 3, nodePorts: 3 });
      });

      it("are allocated anew where they boot again: memory and credentials are gone, the node comes back", async () => {
        const { id, assignment } = (await find(bios))!;
        const member = cluster.members.find(({ name }) => name === assignment?.member)!;
        const bootId = () => kubectl(["get", "node", member.name, "-o", "jsonpath={.status.nodeInfo.bootID}"]);
        const firstBoot = await bootId();
        await rack.machines.switchPower(id, "network-boot");
        await expect.poll(bootId, { timeout: 150_000, interval: 1000 }).not.toBe(firstBoot);
        await kubectl(["wait", "--for=condition=Ready", `node/${member.name}`, "--timeout=90s"]);
        const now = (await rack.lab.client.get(cluster.id)).members.find(({ name }) => name === member.name);
        expect(now?.allocation).not.toBe(member.allocation);
        expect((await find(bios))?.assignment?.allocation).toBe(now?.allocation);
      });

      it("are off and free when their cluster is deleted", async () => {
        await rack.lab.client.delete(cluster.id);
        expect((await rack.lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 })).state).toBe(
          "deleted",
        );
        for (const machine of [bios, uefi]) {
          expect(await find(machine)).toMatchObject({ state: "free", assignment: null });
          expect(machine.powered.isOn()).toBe(false);
        }
      });
    });

    describe("a machine with a disk", () => {
      let cluster: Cluster;
      let kubectl: Kubectl;
      let id: string;

      it("is installed to it, and becomes a Ready worker in the same boot", async () => {
        await pressButton(withDisk);
        const seen = await inspected(withDisk);
        id = seen.id;
        expect(seen.hardware?.disks).toEqual([{ name: "vda", sizeGiB: 12 }]);
        await rack.machines.step(id, "approve");
        await rack.setUp(id, withDisk);
        const roles = { controlPlanes: 1, workers: 1 };
        const created = await rack.lab.client.create({
          name: "disk",
          ...roles,
          provider: "rack",
          deadlineSeconds: 240,
        });
        cluster = await waitReady(created, 280_000, withDisk);
        expect(await withDisk.said()).toContain("sprout: Installing to /dev/vda");
        kubectl = await kubectlOf(cluster);
      });

      it("boots from its disk, and is the same node again, with a pod that answers", async () => {
        const { name, allocation } = cluster.members.find(({ role }) => role === "worker")!;
        const bootId = () => kubectl(["get", "node", name, "-o", "jsonpath={.status.nodeInfo.bootID}"]);
        const firstBoot = await bootId();
        await rack.machines.switchPower(id, "cycle");
        await expect.poll(bootId, { timeout: 150_000, interval: 1000 }).not.toBe(firstBoot);
        expect(await withDisk.said()).toContain(`${name} of cluster disk boots from its disk`);
        expect((await find(withDisk))?.assignment).toMatchObject({ allocation, installedAt: expect.any(String) });
        const timeouts = { timeoutMs: 150_000, signal: AbortSignal.timeout(200_000), now: Date.now };
        expect(await runWorkload({ kubectl, nodes: 2, ...timeouts })).toMatchObject({ pods: 2, nodePorts: 2 });
      });

      it("is wiped, off and free when its cluster is deleted", async () => {
        await rack.lab.client.delete(cluster.id);
        await expect.poll(async () => (await find(withDisk))?.state, { timeout: 120_000, interval: 500 }).toBe("free");
        expect(await withDisk.said()).toContain("sprout: Wiping /dev/vda");
        expect((await rack.lab.client.get(cluster.id)).state).toBe("deleted");
      });

      it("has left nothing on the host, as none of them has", async () => {
        await expect.poll(() => withDisk.powered.isOn(), { timeout: 30_000 }).toBe(false);
        expect(await leftBehind(before)).toEqual(nothingLeft);
      });
    });
  },
);
