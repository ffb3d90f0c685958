import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { CreateCluster } from "#api/cluster.ts";
import { NodeName } from "#api/name.ts";
import { Cidr } from "#api/network.ts";
import { DomainError } from "../errors.ts";
import { planCluster } from "./plan.ts";
import { contains, formatSubnet, overlaps, parseSubnet } from "./subnet.ts";

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
const address = fc.nat(2 ** 32 - 1).map((first) => formatSubnet({ first, prefix: 32 }).replace("/32", ""));
const cidr = fc.tuple(address, fc.nat(32)).map(([base, prefix]) => `${base}/${prefix}`);
const network = cidr.map((text) => formatSubnet(parseSubnet(text)));

const counts = fc.oneof(
  fc.record({ nodes: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ controlPlanes: fc.constantFrom(1, 3, 5, 7), workers: fc.integer({ min: 0, max: 4990 }) }),
  fc.record({ nodes: fc.integer({ min: 3, max: 5000 }), highAvailability: fc.constant(true) }),
);

describe("planCluster, for any number of nodes up to thousands", () => {
  it("gives no two members a name, an allocation, a capability or a pod CIDR in common, and all of them fit", () => {
    fc.assert(
      fc.property(counts, (request) => {
        const { cluster, members, capabilities } = plan(request);
        expect(members.length).toBe(cluster.nodes);
        for (const field of ["name", "allocation", "podCidr", "capabilityHash"] as const)
          expect(distinct(members.map((member) => String(member[field])))).toBe(members.length);
        expect(distinct([...capabilities.values()])).toBe(members.length);
        const pods = parseSubnet(cluster.network.podSubnet);
        const subnets = members.map(({ podCidr }) => parseSubnet(podCidr));
        expect(subnets.every((one, index) => index === 0 || !overlaps(one, subnets[index - 1]!))).toBe(true);
        expect(subnets.every(({ first }) => contains(pods, formatSubnet({ first, prefix: 32 }).slice(0, -3)))).toBe(
          true,
        );
        expect(overlaps(pods, parseSubnet(cluster.network.serviceSubnet))).toBe(false);
        expect(members.every(({ name }) => NodeName.safeParse(name).success)).toBe(true);
        expect(members.filter(({ first }) => first)).toEqual([members[0]]);
        expect(members[0]?.role).toBe("control-plane");
      }),
      { numRuns: 25 },
    );
  });

  it("either plans within the networks asked for, or refuses them by field; it never throws anything else", () => {
    fc.assert(
      fc.property(network, network, fc.integer({ min: 1, max: 300 }), (podSubnet, serviceSubnet, nodes) => {
        try {
          const planned = plan({ nodes, network: { podSubnet, serviceSubnet } });
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

describe("A CIDR", () => {
  it("is the same after reading and writing, but for host bits", () => {
    fc.assert(
      fc.property(cidr, (text) => {
        expect(Cidr.safeParse(text).success).toBe(true);
        const subnet = parseSubnet(text);
        expect(parseSubnet(formatSubnet(subnet))).toEqual(subnet);
        expect(contains(subnet, text.split("/")[0]!)).toBe(true);
      }),
    );
  });

  it("overlaps another exactly where one contains the other's first address", () => {
    fc.assert(
      fc.property(network, network, (one, other) => {
        const [a, b] = [parseSubnet(one), parseSubnet(other)];
        const inside = contains(a, other.split("/")[0]!) || contains(b, one.split("/")[0]!);
        expect(overlaps(a, b)).toBe(inside);
        expect(overlaps(b, a)).toBe(inside);
      }),
    );
  });

  it("is nothing else: any other text is refused", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text));
        expect(Cidr.safeParse(text).success).toBe(false);
      }),
    );
  });
});
