import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { CreateCluster } from "#api/create-cluster.ts";
import { NodeName } from "#api/name.ts";
import { DomainError } from "../errors.ts";
import { planCluster } from "./plan.ts";
import { contains, formatSubnet, overlaps, parseSubnet } from "#lib/subnet.ts";

const context = {
  id: "c-aaaaaaaaaaaaaaaa",
  baseDomain: "sprout.internal",
  kubernetesVersion: defaultKubernetesVersion,
  provisionAllowanceMs: 30_000,
  now: 1_000_000,
  random: randomBytes,
};
const plan = (request: object) =>
  planCluster(CreateCluster.parse({ name: "b1", provider: "fake", ...request }), context);
const distinct = (values: readonly string[]) => new Set(values).size;
const network = fc.tuple(fc.ipV4(), fc.nat(32)).map(([base, prefix]) => formatSubnet(parseSubnet(`${base}/${prefix}`)));

const counts = fc.oneof(
  fc.record({ nodes: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ controlPlanes: fc.constantFrom(1, 3, 5, 7), workers: fc.integer({ min: 0, max: 4990 }) }),
  fc.record({ nodes: fc.integer({ min: 3, max: 5000 }), highAvailability: fc.constant(true) }),
);

describe("planCluster, for any number of nodes up to thousands", () => {
  it("gives every member its own name, allocation, capability and pod CIDR, and all of them fit", async () => {
    await fc.assert(
      fc.asyncProperty(counts, async (request) => {
        const { cluster, members, capabilities } = await plan(request);
        expect(members.length).toBe(cluster.nodes);
        for (const field of ["name", "allocation", "podCidr", "capabilityHash"] as const)
          expect(distinct(members.map((member) => String(member[field])))).toBe(members.length);
        expect(distinct([...capabilities.values()])).toBe(members.length);
        const pods = parseSubnet(cluster.network.podSubnet);
        const subnets = members.map(({ podCidr }) => parseSubnet(podCidr));
        expect(subnets.every((one, index) => index === 0 || !overlaps(one, subnets[index - 1]!))).toBe(true);
        expect(subnets.every((subnet) => contains(pods, subnet))).toBe(true);
        expect(overlaps(pods, parseSubnet(cluster.network.serviceSubnet))).toBe(false);
        expect(members.every(({ name }) => NodeName.safeParse(name).success)).toBe(true);
        expect(members.filter(({ first }) => first)).toEqual([members[0]]);
        expect(members[0]?.role).toBe("control-plane");
      }),
      { numRuns: 25 },
    );
  });

  it("either plans within the requested networks or refuses them by field, and throws no other error", async () => {
    await fc.assert(
      fc.asyncProperty(network, network, fc.integer({ min: 1, max: 300 }), async (podSubnet, serviceSubnet, nodes) => {
        try {
          const planned = await plan({ nodes, network: { podSubnet, serviceSubnet } });
          expect(planned.cluster.network).toMatchObject({ podSubnet, serviceSubnet });
          expect(new Set(planned.members.map(({ podCidr }) => podCidr)).size).toBe(nodes);
        } catch (error) {
          expect(error).toBeInstanceOf(DomainError);
          const fields = (error as DomainError).errors.map(({ pointer }) => pointer);
          expect(fields.length).toBeGreaterThan(0);
          expect(fields.every((field) => /^\/network\/(pod|service)Subnet$/.test(field))).toBe(true);
        }
      }),
    );
  });
});
