import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { CreateCluster } from "#api/create-cluster.ts";
import { AllocationId, ClusterId } from "#api/name.ts";
import { createClusterId, hashToken } from "./identifiers.ts";
import { planCluster, withSegment } from "./plan.ts";

const context = {
  id: "c-aaaaaaaaaaaaaaaa",
  baseDomain: "sprout.internal",
  kubernetesVersion: defaultKubernetesVersion,
  provisionAllowanceMs: 30_000,
  now: 1_000_000,
  random: randomBytes,
};
const plan = (request: object, more: Partial<typeof context> = {}) =>
  planCluster(CreateCluster.parse({ name: "b1", provider: "fake", ...request }), { ...context, ...more });
const rolesOf = async (request: object) => {
  const { members } = await plan(request);
  return [
    members.filter(({ role }) => role === "control-plane").length,
    members.filter(({ role }) => role === "worker").length,
  ];
};

describe("planCluster", () => {
  it.each([
    [{ nodes: 1 }, [1, 0]],
    [{ nodes: 4 }, [1, 3]],
    [{ nodes: 4, highAvailability: true }, [3, 1]],
    [{ nodes: 3, highAvailability: true }, [3, 0]],
    [{ controlPlanes: 3, workers: 2 }, [3, 2]],
    [{ controlPlanes: 5 }, [5, 0]],
  ])("places the roles of %o", async (request, roles) => {
    expect(await rolesOf(request)).toEqual(roles);
  });

  it("gives each node pool its workers, whose names count on from the last pool", async () => {
    const nodePools = [
      { name: "gpu", workers: 2 },
      { name: "none", workers: 0 },
    ];
    const { cluster, members } = await plan({ controlPlanes: 1, workers: 1, nodePools });
    expect(members.map(({ name, nodePool }) => [name.split(".")[0], nodePool])).toEqual([
      ["cp01", undefined],
      ["node01", undefined],
      ["node02", "gpu"],
      ["node03", "gpu"],
    ]);
    expect(cluster.nodePools).toEqual([{ name: "gpu" }, { name: "none" }]);
  });

  it("makes exactly one member the first: a control plane", async () => {
    const first = (await plan({ controlPlanes: 3, workers: 3 })).members.filter((member) => member.first);
    expect(first.map(({ name }) => name)).toEqual(["cp01.b1.sprout.internal"]);
  });

  it("names nodes with as many digits as their count needs, so that they sort", async () => {
    const names = (await plan({ nodes: 1001 })).members.map(({ name }) => name);
    expect([names[0], names[1], names.at(-1)]).toEqual([
      "cp01.b1.sprout.internal",
      "node0001.b1.sprout.internal",
      "node1000.b1.sprout.internal",
    ]);
  });

  it("accepts node names of 52 characters and refuses those of 53", async () => {
    const name = "a".repeat(52 - "cp01..sprout.internal".length);
    expect((await plan({ name, nodes: 1 })).members[0]?.name).toHaveLength(52);
    await expect(plan({ name: `${name}a`, nodes: 1 })).rejects.toThrow("Cannot name nodes");
  });

  it.each([
    [256, "10.244.0.0/16", "10.244.255.0/24"],
    [257, "10.128.0.0/15", "10.129.0.0/24"],
    [1000, "10.128.0.0/14", "10.131.231.0/24"],
    [5000, "10.128.0.0/11", "10.147.135.0/24"],
  ])("sizes the pod subnet for %i nodes", async (nodes, podSubnet, last) => {
    const { cluster, members } = await plan({ nodes });
    expect([cluster.network.podSubnet, members.at(-1)?.podCidr]).toEqual([podSubnet, last]);
    expect(new Set(members.map(({ podCidr }) => podCidr)).size).toBe(nodes);
  });

  it("gives each member its own allocation and capability, and records only the capability's hash", async () => {
    const { members, capabilities } = await plan({ nodes: 50 });
    expect(new Set(members.map(({ allocation }) => allocation)).size).toBe(50);
    expect(new Set(capabilities.values()).size).toBe(50);
    for (const member of members) {
      expect(AllocationId.safeParse(member.allocation).success).toBe(true);
      expect(capabilities.get(member.name)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(member.capabilityHash).toBe(hashToken(capabilities.get(member.name) ?? ""));
    }
  });

  it("sets times from the request and the provider", async () => {
    expect((await plan({ nodes: 1, ttlSeconds: 3600 })).cluster).toMatchObject({
      createdAt: 1_000_000,
      provisionDeadlineAt: 1_030_000,
      deadlineAt: null,
      expiresAt: 4_600_000,
    });
    expect((await plan({ nodes: 1 })).cluster.expiresAt).toBeNull();
  });

  it("makes ids and names that the API accepts", async () => {
    expect(ClusterId.safeParse(createClusterId(randomBytes)).success).toBe(true);
    expect((await plan({ name: undefined, nodes: 1 })).cluster.name).toMatch(/^k[a-z2-7]{7}$/);
  });
});

describe("withSegment", () => {
  const segment = { serverUrl: "https://10.77.255.254:8443", providerData: { bridge: "sprout0" } };

  it("puts the addresses into the members and the list of control planes", async () => {
    const machines = [
      {
        name: "cp01.b1.sprout.internal",
        role: "control-plane" as const,
        address: "10.77.0.11",
        mac: "52:54:00:00:00:01",
      },
    ];
    const { cluster, members } = withSegment(await plan({ nodes: 2 }), { ...segment, machines });
    expect(cluster.controlPlanes).toEqual([{ name: "cp01.b1.sprout.internal", address: "10.77.0.11" }]);
    expect(cluster.providerData).toEqual({ bridge: "sprout0" });
    expect(members.map(({ address, mac }) => [address, mac])).toEqual([
      ["10.77.0.11", "52:54:00:00:00:01"],
      [null, null],
    ]);
  });

  it("refuses machines inside the service subnet", async () => {
    const machines = [
      { name: "cp01.b1.sprout.internal", role: "control-plane" as const, address: "10.96.0.11", mac: null },
    ];
    const planned = await plan({ nodes: 1 });
    expect(() => withSegment(planned, { ...segment, machines })).toThrow(
      expect.objectContaining({
        errors: [
          {
            pointer: "/network/serviceSubnet",
            detail: 'Expected a subnet without the machine address 10.96.0.11, got "10.96.0.0/12"',
          },
        ],
      }),
    );
  });
});
