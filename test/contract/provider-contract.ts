import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MachineProvider, MachineSpec, Segment } from "../../metadata-server/providers/provider.ts";

export interface ProviderUnderTest {
  provider: MachineProvider;
  kubernetesVersion: string;
  /** Opens a second provider on the same machines, as after a crash of the server. */
  reopen(): MachineProvider;
  destroy(): Promise<void>;
}

const first = "c-aaaaaaaaaaaaaaaa";
const second = "c-bbbbbbbbbbbbbbbb";
const allocationOf = (index: number) => `a-aaaaaaaaaaaaaaa${"abcdefgh"[index]}`;
const members = [
  { name: "cp01.contract.test", role: "control-plane" as const, allocation: allocationOf(0) },
  { name: "node01.contract.test", role: "worker" as const, allocation: allocationOf(1) },
];

const signal = () => AbortSignal.timeout(30_000);

/** The contract of every machine provider. One that launches nothing never has a machine. */
export function describeProviderContract(
  name: string,
  open: () => Promise<ProviderUnderTest>,
  { launches = true }: { launches?: boolean } = {},
): void {
  describe(`provider contract: ${name}`, () => {
    let under: ProviderUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.destroy());

    const specs = (segment: Segment): MachineSpec[] =>
      segment.machines.map(({ name: machine, role, address, mac }, index) => ({
        clusterId: first,
        allocation: allocationOf(index),
        name: machine,
        role,
        address,
        mac,
        kubernetesVersion: under.kubernetesVersion,
        providerData: segment.providerData,
        seed: { server: segment.serverUrl, ca: "unused", capability: "unused" },
      }));
    const listed = async (provider = under.provider) =>
      (await provider.list()).map(({ clusterId, allocation }) => `${clusterId}/${allocation}`).toSorted();

    it("offers the versions that have an image", async () => {
      expect(await under.provider.kubernetesVersions()).toContain(under.kubernetesVersion);
    });

    it("has no image with a name of a version that it does not offer", async () => {
      expect((await under.provider.imageNames?.("v1.0.0")) ?? []).toEqual([]);
    });

    it("plans every member once and assigns no address twice", async () => {
      const segments = await Promise.all(
        [first, second].map((clusterId) => under.provider.reserve({ clusterId, members })),
      );
      for (const segment of segments)
        expect(segment.machines.map((machine) => machine.name)).toEqual(members.map((m) => m.name));
      const addresses = segments.flatMap((segment) => segment.machines.map((machine) => machine.address));
      const known = addresses.filter((address) => address !== null);
      expect(new Set(known).size).toBe(known.length);
      await Promise.all([first, second].map((clusterId) => under.provider.release(clusterId)));
    });

    it("returns the same segment for a repeated reservation", async () => {
      const segment = await under.provider.reserve({ clusterId: first, members });
      expect(await under.reopen().reserve({ clusterId: first, members })).toEqual(segment);
      await under.provider.release(first);
    });

    it("reserves further machines in addition to present ones, with other addresses", async () => {
      const segment = await under.provider.reserve({ clusterId: first, members });
      const further = [{ name: "node02.contract.test", role: "worker" as const, allocation: allocationOf(2) }];
      const present = segment.machines;
      const more = await under.reopen().reserve({ clusterId: first, members: further, present });
      expect(more.machines.map(({ name: machine }) => machine)).toEqual(["node02.contract.test"]);
      const addresses = [...present, ...more.machines].flatMap(({ address }) => address ?? []);
      expect(new Set(addresses).size).toBe(addresses.length);
      expect({ ...more, machines: [] }).toEqual({ ...segment, machines: [], providerData: more.providerData });
      await under.provider.release(first);
    });

    it("launches a machine once, however often it is asked", async () => {
      const [spec] = specs(await under.provider.reserve({ clusterId: first, members }));
      await under.provider.launch(spec!, signal());
      await under.reopen().launch(spec!, signal());
      expect((await listed()).filter((entry) => entry.endsWith(allocationOf(0)))).toHaveLength(launches ? 1 : 0);
      await under.provider.terminate(spec!);
      await under.provider.release(first);
    });

    it("finds its machines again after a crash of the server, and leaves nothing behind once they are terminated", async () => {
      const before = await listed();
      const machines = specs(await under.provider.reserve({ clusterId: first, members }));
      await Promise.all(machines.map((machine) => under.provider.launch(machine, signal())));
      const provider = under.reopen();
      const launched = launches ? machines : [];
      expect(await listed(provider)).toEqual(expect.arrayContaining(launched.map((m) => `${first}/${m.allocation}`)));
      await Promise.all(machines.map((machine) => provider.terminate(machine)));
      await provider.release(first);
      expect(await listed(provider)).toEqual(before);
    });

    it("terminates and releases what does not exist without an error", async () => {
      await under.provider.terminate({ clusterId: first, allocation: allocationOf(7) });
      await under.provider.release(first);
      expect(await listed()).toEqual([]);
    });

    it("leaves nothing behind when a launch is aborted", async () => {
      const [spec] = specs(await under.provider.reserve({ clusterId: first, members }));
      await expect(under.provider.launch(spec!, AbortSignal.abort())).rejects.toThrow(/cancel|abort/i);
      await under.provider.terminate(spec!);
      await under.provider.release(first);
      expect(await listed()).toEqual([]);
    });
  });
}
