import { randomBytes } from "node:crypto";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { CreateCluster } from "#api/create-cluster.ts";
import { createClusterId } from "../../../metadata-server/clusters/identifiers.ts";
import { planCluster, withSegment } from "../../../metadata-server/clusters/plan.ts";
import type { Store } from "../../../metadata-server/store/store.ts";

const membersPerCluster = 5000;

export interface Machine {
  capability: string;
  mac: string;
}

/** Stores clusters of up to 5,000 members whose machines have called once, so further calls only read. */
export async function populate(store: Store, members: number): Promise<Machine[]> {
  const machines: Machine[] = [];
  for (let left = members; left > 0; left -= membersPerCluster) {
    const nodes = Math.min(left, membersPerCluster);
    const now = Date.now();
    const plan = await planCluster(CreateCluster.parse({ nodes, provider: "bench", deadlineSeconds: 3600 }), {
      id: createClusterId(randomBytes),
      baseDomain: "bench.test",
      kubernetesVersion: defaultKubernetesVersion,
      provisionAllowanceMs: 3_600_000,
      now,
      random: randomBytes,
    });
    const segment = {
      machines: plan.members.map(({ name, role }, index) => {
        const [high, low] = [Math.floor(index / 250), index % 250];
        const mac = `02:00:00:00:${toHex(high)}:${toHex(low)}`;
        return { name, role, mac, address: `172.20.${high}.${low + 1}` };
      }),
      serverUrl: "https://bench.test",
      providerData: {},
    };
    const placed = withSegment(plan, segment);
    await store.commit({
      clusters: [{ ...placed.cluster, state: "bootstrapping", deadlineAt: now + 3_600_000 }],
      members: placed.members.map((member) => ({
        ...member,
        state: "bootstrapping",
        bound: { macs: [member.mac ?? ""] },
        firstContactAt: now,
      })),
    });
    for (const { name, mac } of placed.members)
      machines.push({ capability: placed.capabilities.get(name) ?? "", mac: mac ?? "" });
  }
  return machines;
}

const toHex = (value: number) => value.toString(16).padStart(2, "0");
