import { expect, test } from "vitest";
import { CliError, exitCodes } from "../exit-code.ts";
import { toCreateCluster, type CreateFlags } from "./create.ts";

const refusal = (name: string | undefined, flags: CreateFlags): unknown => {
  try {
    return toCreateCluster(name, flags);
  } catch (error) {
    return error;
  }
};

test("a manifest or the name of a baked one makes the network a manifest's", () => {
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
    /--network-manifest: line 1, column 8: .*\n {2}--network-baked: must be a file name/,
  );
});

test("flags become the request, and what is not given is left to the server", () => {
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

test.for<[string, string | undefined, CreateFlags, string[]]>([
  ["no size", undefined, { provider: "nspawn" }, ["--nodes: is required unless --control-planes is given"]],
  ["no nodes", undefined, { nodes: 0, provider: "nspawn" }, ["--nodes: Too small: expected number to be >=1"]],
  [
    "two sizes",
    undefined,
    { nodes: 4, workers: 3, provider: "nspawn" },
    ["--nodes: excludes --control-planes and --workers"],
  ],
  [
    "an even number of control planes",
    undefined,
    { controlPlanes: 2, provider: "nspawn" },
    ["--control-planes: must be odd, so that etcd keeps a quorum"],
  ],
  [
    "a name that is no DNS label",
    "Build_126",
    { nodes: 1, provider: "nspawn" },
    ["NAME: must be a DNS label: lower-case letters, digits and inner hyphens"],
  ],
  [
    "several at once",
    undefined,
    { nodes: 1, ttl: 10, podSubnet: "10.0.0.0", kubernetesVersion: "1.37", provider: "" },
    [
      "--kubernetes-version: must be a version such as v1.37.2",
      "--provider: Too small: expected string to have >=1 characters",
      "--ttl: Too small: expected number to be >=60",
      "--pod-subnet: must be an IPv4 CIDR such as 10.244.0.0/16",
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
