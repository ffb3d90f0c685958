import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { planCluster } from "./plan.ts";
import { planAttachment } from "./plan-attachment.ts";

async function plan({ nodes = 3, podSubnet = "10.244.0.0/16" } = {}) {
  const { cluster, members } = await planCluster(
    {
      name: "build126",
      nodes,
      provider: "fake",
      join: "certificate",
      maxUnhealthy: 0,
      deadlineSeconds: 180,
      failedTtlSeconds: 900,
      network: { plugin: "routes", podSubnet },
    },
    {
      id: "c-aaaaaaaaaaaaaaaa",
      baseDomain: "test",
      kubernetesVersion: defaultKubernetesVersion,
      provisionAllowanceMs: 30_000,
      now: 0,
      random: randomBytes,
    },
  );
  return { cluster, present: members };
}

const attach = (to: Awaited<ReturnType<typeof plan>>, workers: number) =>
  planAttachment(to, { workers, random: randomBytes });

describe("planAttachment", () => {
  it("counts names and pod subnets on from the last worker", async () => {
    const { members } = attach(await plan(), 2);
    expect(members.map(({ name, role, first, podCidr }) => ({ name, role, first, podCidr }))).toEqual([
      { name: "node03.build126.test", role: "worker", first: false, podCidr: "10.244.3.0/24" },
      { name: "node04.build126.test", role: "worker", first: false, podCidr: "10.244.4.0/24" },
    ]);
  });

  it("uses a pod subnet in a gap only when the later ones are taken, and none twice", async () => {
    const { cluster, present } = await plan({ nodes: 4, podSubnet: "10.244.0.0/21" });
    const [first, , ...others] = present;
    const { members } = attach({ cluster, present: [first!, ...others] }, 5);
    expect(members.map(({ podCidr }) => podCidr)).toEqual([
      "10.244.4.0/24",
      "10.244.5.0/24",
      "10.244.6.0/24",
      "10.244.7.0/24",
      "10.244.1.0/24",
    ]);
    expect(members.map(({ name }) => name.split(".")[0])).toEqual(["node04", "node05", "node06", "node07", "node08"]);
  });

  it("gives each worker a capability and other workers to probe", async () => {
    const { members, capabilities } = attach(await plan(), 2);
    expect(new Set(capabilities.values()).size).toBe(2);
    for (const { name, neighbours = [] } of members) {
      expect(capabilities.has(name)).toBe(true);
      expect(neighbours.map((neighbour) => neighbour.name)).not.toContain(name);
      expect(neighbours.length).toBe(3);
    }
  });

  it("refuses more nodes than the pod subnet has room for, and more nodes than a cluster has", async () => {
    const small = await plan({ nodes: 3, podSubnet: "10.244.0.0/22" });
    expect(attach(small, 1).members).toHaveLength(1);
    expect(() => attach(small, 2)).toThrow("its pod subnet 10.244.0.0/22 has room for 1 more nodes");
    expect(() => attach(small, 4998)).toThrow("Cannot attach nodes");
  });
});
