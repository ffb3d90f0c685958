import { describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { planSteps } from "../run/plan.ts";
import { userDataFields } from "../../test/fixtures/node-documents.ts";
import { parseUserData } from "./document.ts";
import { toMetadata } from "./to-metadata.ts";

const addresses = new Map([
  ["master01.build126.test", "10.77.0.11"],
  ["master02.build126.test", "10.77.0.12"],
  ["node01.build126.test", "10.77.0.13"],
  ["node02.build126.test", "10.77.0.14"],
]);
const launch = (changed: object, sha256 = "a") => ({
  userData: parseUserData(JSON.stringify({ ...userDataFields, ...changed }), "user-data"),
  sha256,
  addresses,
  kubernetesVersion: defaultKubernetesVersion,
});
const first = { myDomain: "master01.build126.test", myRole: "master" };
const second = { myDomain: "master02.build126.test", myRole: "master" };

describe("toMetadata", () => {
  it("makes a worker's document that the server's schema accepts", () => {
    const metadata = toMetadata(launch({}));
    expect(NodeMetadata.parse(metadata)).toEqual({
      allocation: expect.stringMatching(/^a-[a-z2-7]{16}$/) as string,
      cluster: { id: expect.any(String) as string, name: "build126", kubernetesVersion: defaultKubernetesVersion },
      self: { name: "node02.build126.test", role: "worker", address: "10.77.0.14", podCidr: "10.244.3.0/24" },
      endpoint: "api.build126.test:6443",
      controlPlanes: [
        { name: "master01.build126.test", address: "10.77.0.11" },
        { name: "master02.build126.test", address: "10.77.0.12" },
      ],
      network: { plugin: "routes", podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" },
      join: "kubeadm",
      deadlineSeconds: 180,
    });
    expect(planSteps(metadata).map(({ phase }) => phase)).toContain("join");
  });

  it("has the first master run init and wait for every node, and a further one for none", () => {
    const all = ["master01", "master02", "node01", "node02"].map((name) => `${name}.build126.test`);
    expect(toMetadata(launch(first))).toMatchObject({ peers: all, join: "certificate" });
    expect(toMetadata(launch(second)).peers).toBeUndefined();
    expect(planSteps(toMetadata(launch(second))).map(({ phase }) => phase)).toContain("static-pods");
  });

  it("gives every node the same cluster, and its own pod CIDR", () => {
    const documents = [first, second, {}].map((changed, index) => toMetadata(launch(changed, `sha-${index}`)));
    expect(new Set(documents.map(({ cluster }) => cluster.id)).size).toBe(1);
    expect(new Set(documents.map(({ allocation }) => allocation)).size).toBe(3);
    expect(documents.map(({ self }) => self.podCidr)).toEqual(["10.244.0.0/24", "10.244.1.0/24", "10.244.3.0/24"]);
  });

  it("has room for more than 256 nodes", () => {
    const kubenodesAddr = Array.from({ length: 300 }, (_, index) => `n${index}.build126.test`).join(" ");
    const many = { kubenodesAddr, myDomain: "n299.build126.test" };
    const own = { ...launch(many), addresses: new Map([...addresses, ["n299.build126.test", "10.77.1.1"]]) };
    expect(toMetadata(own)).toMatchObject({
      network: { podSubnet: "10.128.0.0/15" },
      self: { podCidr: "10.129.45.0/24" },
    });
  });

  it.each([
    ["10.77.0.0/16", "10.96.0.0/12", "/network: Expected subnets without 10.77.0.14 (node02.build126.test)"],
    ["10.8.0.0/23", "10.96.0.0/12", "/network/podSubnet: Expected room for 4 nodes, got room for 2"],
    ["10.96.0.0/16", "10.96.0.0/12", "/network/serviceSubnet: Expected a subnet outside /network/podSubnet"],
  ])("refuses pods in %s and services in %s", (podSubnet, serviceSubnet, problem) => {
    const network = { plugin: "routes", podSubnet, serviceSubnet };
    expect(() => toMetadata(launch({ network }))).toThrow(problem);
  });
});
