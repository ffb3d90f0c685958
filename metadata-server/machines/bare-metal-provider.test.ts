import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { createTestRack, rackMac, rackMachine, rackMember, type TestRack } from "../../test/fixtures/test-rack.ts";
import { describeProviderContract } from "../../test/contract/provider-contract.ts";
import type { Segment } from "../providers/provider.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

describeProviderContract("bare metal, with simulated machines", async () => {
  const rack = await createTestRack();
  await rack.add(...[1, 2, 3, 4, 5].map((index) => rackMachine(index)));
  const { provider } = rack;
  return {
    provider,
    kubernetesVersion: defaultKubernetesVersion,
    reopen: () => rack.reopen(),
    destroy: () => rack.destroy(),
  };
});

const clusterId = "c-aaaaaaaaaaaaaaaa";
const disk = { cpus: 8, memoryMiB: 16_384, disks: [{ name: "sda", sizeGiB: 100 }], nics: [] };
const diskless = { cpus: 4, memoryMiB: 8192, disks: [], nics: [] };

describe("createBareMetalProvider, with simulated machines", () => {
  let rack: TestRack;
  beforeEach(async () => {
    rack = await createTestRack();
  });
  afterEach(() => rack.destroy());

  const reserve = (...members: ReturnType<typeof rackMember>[]) => rack.provider.reserve({ clusterId, members });
  const timeline = async (id: string) =>
    (await rack.machine(id)).events.slice(1).map(({ type, message }) => `${type}: ${message}`);
  const launch = (segment: Segment, name: string, signal = patientSignal()) =>
    rack.provider.launch(
      {
        ...segment.machines.find((each) => each.name === name)!,
        clusterId,
        allocation: `a-${name}`,
        kubernetesVersion: defaultKubernetesVersion,
        providerData: segment.providerData,
        seed: { server: segment.serverUrl, ca: "unused", capability: "unused" },
      },
      signal,
    );

  it("opens the boot window before it boots a machine, and repeats neither", async () => {
    await rack.add(rackMachine(1));
    const segment = await reserve(rackMember("w"));
    await launch(segment, "w");
    await launch(segment, "w");
    expect(rack.power.calls).toEqual([`network-boot ${rackMac(1)}`]);
    const now = rack.clock.now();
    expect((await rack.machine("m-1")).bootWindow).toEqual({ openedAt: now, closesAt: now + 900_000, issuedAt: null });
    expect(await timeline("m-1")).toEqual([
      `state: Taken for node w of cluster ${clusterId}`,
      "power: Asked by sprout to boot over the network",
      "boot: Boot window opened: it may be given a capability once within 15 minutes",
      "power: Boots over the network",
    ]);
  });

  it("launches a machine again after a crash during its launch", async () => {
    await rack.add(rackMachine(1));
    const segment = await reserve(rackMember("w"));
    rack.power.fault = () => {
      throw new Error("crashed");
    };
    await expect(launch(segment, "w")).rejects.toThrow("crashed");
    rack.power.fault = () => undefined;
    await rack.provider.abandonLaunch?.({ clusterId, allocation: "a-w" });
    expect(await rack.machine("m-1")).toMatchObject({ state: "assigned", bootWindow: null });
    expect(await reserve(rackMember("w"))).toEqual(segment);
    await launch(segment, "w");
    expect(rack.power.running).toEqual(new Set([rackMac(1)]));
  });

  it("frees a machine that ran from memory once it is off, and boots an installed one to wipe it", async () => {
    await rack.add(rackMachine(1, { hardware: disk }), rackMachine(2, { hardware: diskless }));
    const segment = await reserve(rackMember("cp", "control-plane"), rackMember("w"));
    await launch(segment, "cp");
    await launch(segment, "w");
    for (const allocation of ["a-cp", "a-w", "a-none"]) await rack.provider.terminate({ clusterId, allocation });
    await rack.provider.release(clusterId);
    expect(rack.power.running).toEqual(new Set([rackMac(1)]));
    expect(await rack.machine("m-1")).toMatchObject({
      state: "released",
      bootWindow: null,
      assignment: { install: true },
    });
    expect(await rack.machine("m-2")).toMatchObject({ state: "free", assignment: null });
    expect((await timeline("m-2")).slice(-3)).toEqual([
      "power: Is off",
      `state: No longer node w of cluster ${clusterId}`,
      "state: It is off and its memory is empty: free",
    ]);
    expect(await rack.provider.list()).toEqual([]);
  });

  it("asks the operator to switch a machine without a controller, and waits for that", async () => {
    await rack.add(rackMachine(1, { power: { driver: "manual" } }));
    const segment = await reserve(rackMember("w"));
    await launch(segment, "w");
    await rack.provider.terminate({ clusterId, allocation: "a-w" });
    expect((await rack.machine("m-1")).state).toBe("released");
    expect((await timeline("m-1")).filter((line) => line.startsWith("power"))).toEqual([
      "power: Asked by sprout to boot over the network",
      "power: Let the machine boot over the network: switch it on, or leave it on if it asks again on its own",
      "power: Asked by sprout to switch off",
      "power: Switch the machine off",
    ]);
  });

  it("keeps a machine assigned if its power controller does not answer, and frees it at the next attempt", async () => {
    await rack.add(rackMachine(1));
    await launch(await reserve(rackMember("w")), "w");
    rack.power.fault = () => {
      throw new Error("Cannot reach https://bmc/: timed out");
    };
    await expect(rack.provider.terminate({ clusterId, allocation: "a-w" })).rejects.toThrow("timed out");
    expect((await rack.machine("m-1")).state).toBe("assigned");
    rack.power.fault = () => undefined;
    await rack.provider.terminate({ clusterId, allocation: "a-w" });
    expect((await rack.machine("m-1")).state).toBe("free");
  });

  it("frees a machine that was never launched, without switching it", async () => {
    await rack.add(rackMachine(1));
    await reserve(rackMember("w"));
    await rack.provider.release(clusterId);
    expect(await rack.machine("m-1")).toMatchObject({ state: "free", assignment: null });
    expect(rack.power.calls).toEqual([]);
  });
});
