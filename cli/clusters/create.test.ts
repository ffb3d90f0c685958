import { expect, it } from "vitest";
import { CliError, exitCodes } from "../exit-code.ts";
import { toCreateCluster, type CreateFlags } from "./create.ts";
import { parseNodePool } from "../flags.ts";

const refusal = (name: string | undefined, flags: CreateFlags): unknown => {
  try {
    return toCreateCluster(name, flags);
  } catch (error) {
    return error;
  }
};

it("a manifest, given or baked, selects the manifest plugin", () => {
  const manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: flannel}\n";
  expect(toCreateCluster(undefined, { nodes: 1, provider: "nspawn", networkManifest: manifest })).toMatchObject({
    network: { plugin: "manifest", manifest },
  });
  const own = { nodes: 1, provider: "nspawn", networkBaked: "flannel.yaml", networkPort: ["8472/udp"] };
  expect(toCreateCluster(undefined, own)).toMatchObject({
    network: { plugin: "manifest", baked: "flannel.yaml", ports: ["8472/udp"] },
  });
  const error = refusal(undefined, { nodes: 1, provider: "nspawn", networkManifest: "kind: [", networkBaked: "x" });
  expect((error as CliError).message).toMatch(
    /--network-manifest: Expected YAML at line 1, column 8: .*\n {2}--network-baked: Expected a file name/,
  );
});

it("flags become the request, which omits what is not given", () => {
  expect(toCreateCluster(undefined, { nodes: 4, provider: "nspawn" })).toEqual({ nodes: 4, provider: "nspawn" });
  expect(
    toCreateCluster("build126", {
      controlPlanes: 3,
      workers: 5,
      provider: "nspawn",
      ttl: 86_400,
      deadline: 120,
      failedTtl: 0,
      join: "kubeadm",
      podSubnet: "10.244.0.0/16",
      kubernetesVersion: "v1.37.2",
      label: { job: "17" },
      idempotencyKey: "job-17",
    }),
  ).toEqual({
    name: "build126",
    controlPlanes: 3,
    workers: 5,
    provider: "nspawn",
    ttlSeconds: 86_400,
    deadlineSeconds: 120,
    failedTtlSeconds: 0,
    join: "kubeadm",
    network: { podSubnet: "10.244.0.0/16" },
    kubernetesVersion: "v1.37.2",
    labels: { job: "17" },
  });
});

it("node pools become part of the request", () => {
  const pools = ["name=gpu,workers=2,image=gpu,instanceTypes=g5.xlarge+g6.xlarge", "name=big,workers=0"].reduce<
    Record<string, unknown>[]
  >((all, value) => parseNodePool(value, all), []);
  expect(toCreateCluster(undefined, { controlPlanes: 1, nodePool: pools, provider: "nspawn" })).toEqual({
    controlPlanes: 1,
    nodePools: [
      { name: "gpu", workers: 2, image: "gpu", instanceTypes: ["g5.xlarge", "g6.xlarge"] },
      { name: "big", workers: 0 },
    ],
    provider: "nspawn",
  });
});

it.for<[string, string | undefined, CreateFlags, string[]]>([
  [
    "a node pool that has the name of another",
    undefined,
    {
      controlPlanes: 1,
      nodePool: [parseNodePool("name=a,workers=1"), parseNodePool("name=a,workers=1")].flat(),
      provider: "nspawn",
    },
    ['--node-pool: Expected a name that no other node pool has, got "a"'],
  ],
  ["no size", undefined, { provider: "nspawn" }, ["--nodes: Expected nodes or --control-planes, got neither"]],
  ["no nodes", undefined, { nodes: 0, provider: "nspawn" }, ["--nodes: Expected a whole number from 1 to 5000, got 0"]],
  [
    "two sizes",
    undefined,
    { nodes: 4, workers: 3, provider: "nspawn" },
    ["--nodes: Expected either nodes, or --control-planes and --workers, got both"],
  ],
  [
    "an even number of control planes",
    undefined,
    { controlPlanes: 2, provider: "nspawn" },
    ["--control-planes: Expected an odd number, so that etcd keeps a quorum, got 2"],
  ],
  [
    "a name that is no DNS label",
    "Build_126",
    { nodes: 1, provider: "nspawn" },
    ['NAME: Expected a DNS label of at most 63 lower-case letters, digits and inner hyphens, got "Build_126"'],
  ],
  [
    "several at once",
    undefined,
    { nodes: 1, ttl: 10, podSubnet: "10.0.0.0", kubernetesVersion: "1.37", provider: "" },
    [
      '--kubernetes-version: Expected a version such as v1.37.2, got "1.37"',
      "--provider: Expected text of 1 to 32 characters, got 0 characters",
      "--ttl: Expected a whole number from 60 to 2592000, got 10",
      '--pod-subnet: Expected an IPv4 CIDR such as 10.244.0.0/16, got "10.0.0.0"',
    ],
  ],
])("%s is refused with the flag's name", ([, name, flags, lines]) => {
  const error = refusal(name, flags);
  expect(error).toBeInstanceOf(CliError);
  expect(error).toMatchObject({
    exitCode: exitCodes.usage,
    message: ["Cannot create a cluster with these flags:", ...lines.map((line) => `  ${line}`)].join("\n"),
  });
});
