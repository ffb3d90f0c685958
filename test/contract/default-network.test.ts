import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { defaultSubnets, nodePrefix } from "#api/network.ts";
import { capacity, formatSubnet, overlaps, parseSubnet } from "#lib/subnet.ts";
import { toMetadata } from "../../bootstrapper/user-data/to-metadata.ts";
import { planNetwork } from "../../metadata-server/clusters/plan-network.ts";

const maxNodes = 5000;
const addresses = new Map([["cp.build126.test", "192.0.2.1"]]);

/** The network that a node without a server plans for a cluster of so many nodes. */
function planWithoutServer(nodes: number) {
  const workers = Array.from({ length: nodes - 1 }, (_, index) => `node${index}.build126.test`);
  const userData = {
    self: { name: "cp.build126.test", role: "control-plane" as const },
    controlPlanes: ["cp.build126.test"],
    workers,
    baseDomain: "build126.test",
    apiServerDomain: "api.build126.test",
    etcdDomain: "etcd.build126.test",
    sealedPki: undefined,
    network: undefined,
    deadlineSeconds: 180,
  };
  return toMetadata({ userData, sha256: "a", addresses, kubernetesVersion: defaultKubernetesVersion }).network;
}

describe("The default network", () => {
  it("passes the server's own checks and stays the same without a server, for any number of nodes", () => {
    const atLimits = [1, 256, 257, 512, 513, 4096, 4097, maxNodes].map((nodes): [number] => [nodes]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maxNodes }), (nodes) => {
        const { network } = planNetwork(undefined, nodes);
        expect(planWithoutServer(nodes)).toEqual(network);
      }),
      { examples: atLimits, numRuns: 40 },
    );
  });

  it("has no host bits, room for every node and no service address, for each number of nodes", () => {
    for (let nodes = 1; nodes <= maxNodes; nodes++) {
      const { podSubnet, serviceSubnet } = defaultSubnets(nodes);
      const pods = parseSubnet(podSubnet);
      expect([formatSubnet(pods), overlaps(pods, parseSubnet(serviceSubnet))]).toEqual([podSubnet, false]);
      expect(capacity(pods, nodePrefix)).toBeGreaterThanOrEqual(nodes);
    }
  });
});
