import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { expectNothingChanges } from "../fixtures/nothing-changes.ts";
import { createTestServer, problemOf, refusal, type RequestOptions, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;

beforeAll(async () => {
  server = await createTestServer();
  cluster = await server.create({ name: "taken" });
});
afterAll(() => server.close());
expectNothingChanges(() => ({ server, cluster }));

const good = { name: "new", nodes: 2, provider: "fake" };
const label = (got: string) =>
  `Expected a DNS label of at most 63 lower-case letters, digits and inner hyphens, got ${got}`;
const endpoint = (got: string) => `Expected a DNS name with the API servers' port, NAME:6443, got "${got}"`;
const cidr = (got: string) => `Expected an IPv4 CIDR such as 10.244.0.0/16, got "${got}"`;

/** Bodies that get 400 `invalid-request` with exactly these fields. */
const badClusters: [string, Record<string, unknown>, Record<string, string>][] = [
  [
    "nothing at all",
    { name: undefined, nodes: undefined, provider: undefined },
    {
      "/provider": "Expected text of 1 to 32 characters, got nothing",
      "/nodes": "Expected nodes or controlPlanes, got neither",
    },
  ],
  ["no number of nodes", { nodes: undefined }, { "/nodes": "Expected nodes or controlPlanes, got neither" }],
  ["no node", { nodes: 0 }, { "/nodes": "Expected a whole number from 1 to 5000, got 0" }],
  ["too many nodes", { nodes: 5001 }, { "/nodes": "Expected a whole number from 1 to 5000, got 5001" }],
  ["half a node", { nodes: 1.5 }, { "/nodes": "Expected a whole number from 1 to 5000, got 1.5" }],
  ["nodes as text", { nodes: "2" }, { "/nodes": 'Expected a whole number from 1 to 5000, got "2"' }],
  ["nodes and workers", { workers: 1 }, { "/nodes": "Expected either nodes, or controlPlanes and workers, got both" }],
  [
    "an even number of control planes",
    { nodes: undefined, controlPlanes: 2 },
    { "/controlPlanes": "Expected an odd number, so that etcd keeps a quorum, got 2" },
  ],
  [
    "too few nodes for high availability",
    { highAvailability: true },
    { "/nodes": "Expected at least 3 nodes with highAvailability, got 2" },
  ],
  [
    "an endpoint with an address",
    { controlPlaneEndpoint: "10.77.0.5:6443" },
    { "/controlPlaneEndpoint": endpoint("10.77.0.5:6443") },
  ],
  [
    "an endpoint with another port",
    { controlPlaneEndpoint: "lb.example.com:443" },
    { "/controlPlaneEndpoint": endpoint("lb.example.com:443") },
  ],
  [
    "an endpoint without a port",
    { controlPlaneEndpoint: "lb.example.com" },
    { "/controlPlaneEndpoint": endpoint("lb.example.com") },
  ],
  [
    "node pools of the same name, and one with the name of the plain workers",
    {
      nodes: undefined,
      controlPlanes: 1,
      nodePools: [
        { name: "gpu", workers: 1 },
        { name: "gpu", workers: 1 },
        { name: "default", workers: 1 },
      ],
    },
    {
      "/nodePools/1/name": 'Expected a name that no other node pool has, got "gpu"',
      "/nodePools/2/name": 'Expected a name other than "default", which is the pool of workers, got "default"',
    },
  ],
  [
    "node pools that the server would place itself",
    { nodePools: [{ name: "gpu", workers: 1 }] },
    { "/nodePools": "Expected nodePools only with controlPlanes, got nodes" },
  ],
  [
    "more workers than a cluster may have",
    { nodes: undefined, controlPlanes: 1, workers: 5000, nodePools: [{ name: "gpu", workers: 1 }] },
    { "/nodePools": "Expected a sum of at most 5000 with workers, got 5001" },
  ],
  ["a name in capitals", { name: "Build" }, { "/name": label('"Build"') }],
  ["a name with a line feed", { name: "build\n" }, { "/name": label(String.raw`"build\n"`) }],
  ["an empty name", { name: "" }, { "/name": label('""') }],
  ["a long name", { name: "a".repeat(33) }, { "/name": "Expected a name of at most 32 characters, got 33 characters" }],
  [
    "a name that makes node names too long",
    { name: "a".repeat(32) },
    {
      "/name": `Expected a name that keeps node names within 52 characters, got node01.${"a".repeat(32)}.sprout.internal with 55`,
    },
  ],
  [
    "an unknown provider",
    { provider: "nowhere" },
    { "/provider": 'Expected a provider of this server (fake), got "nowhere"' },
  ],
  [
    "a version without v",
    { kubernetesVersion: "1.37.2" },
    { "/kubernetesVersion": 'Expected a version such as v1.37.2, got "1.37.2"' },
  ],
  [
    "a version older than the supported ones",
    { kubernetesVersion: "v1.33.9" },
    { "/kubernetesVersion": 'Expected a version of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer, got "v1.33.9"' },
  ],
  [
    "a version of another major",
    { kubernetesVersion: "v2.40.0" },
    { "/kubernetesVersion": 'Expected a version of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer, got "v2.40.0"' },
  ],
  ["an unknown field", { node: 3 }, { "/node": "Unknown field" }],
  ["an unknown field with a slash", { "a/b~c": 3 }, { "/a~1b~0c": "Unknown field" }],
  [
    "a deadline below the least",
    { deadlineSeconds: 4 },
    { "/deadlineSeconds": "Expected a whole number from 5 to 3600, got 4" },
  ],
  [
    "a deadline above the most",
    { deadlineSeconds: 3601 },
    { "/deadlineSeconds": "Expected a whole number from 5 to 3600, got 3601" },
  ],
  ["a short time to live", { ttlSeconds: 59 }, { "/ttlSeconds": "Expected a whole number from 60 to 2592000, got 59" }],
  [
    "a negative time to fail",
    { failedTtlSeconds: -1 },
    { "/failedTtlSeconds": "Expected a whole number from 0 to 86400, got -1" },
  ],
  [
    "a label that is not text",
    { labels: { a: 1 } },
    { "/labels/a": "Expected text of at most 256 characters without control characters, got 1" },
  ],
  [
    "too many labels",
    { labels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, ""])) },
    { "/labels": "Expected at most 64 labels, got an object" },
  ],
  ["a pod subnet that is none", { network: { podSubnet: "10.244.0.0" } }, { "/network/podSubnet": cidr("10.244.0.0") }],
  ["an IPv6 pod subnet", { network: { podSubnet: "fd00::/48" } }, { "/network/podSubnet": cidr("fd00::/48") }],
  [
    "a pod subnet with host bits",
    { network: { podSubnet: "10.244.1.0/16" } },
    { "/network/podSubnet": 'Expected a subnet without host bits such as 10.244.0.0/16, got "10.244.1.0/16"' },
  ],
  [
    "a pod subnet that is too small",
    { network: { podSubnet: "10.244.0.0/24" } },
    {
      "/network/podSubnet":
        'Expected a subnet with a /24 for each of 2 nodes, got "10.244.0.0/24", which has room for 1',
    },
  ],
  [
    "subnets that overlap",
    { network: { podSubnet: "10.96.0.0/16" } },
    { "/network/podSubnet": 'Expected a subnet outside the service subnet 10.96.0.0/12, got "10.96.0.0/16"' },
  ],
  [
    "a pod subnet around the machines",
    { network: { podSubnet: "10.77.0.0/16" } },
    { "/network/podSubnet": 'Expected a subnet without the machine address 10.77.0.11, got "10.77.0.0/16"' },
  ],
  [
    "a service subnet that is too small",
    { network: { serviceSubnet: "10.96.0.0/29" } },
    { "/network/serviceSubnet": 'Expected a subnet between /12 and /28, got "10.96.0.0/29"' },
  ],
  [
    "a pod subnet on loopback",
    { network: { podSubnet: "127.0.0.0/16" } },
    { "/network/podSubnet": 'Expected a subnet outside 127.0.0.0/8, which is reserved, got "127.0.0.0/16"' },
  ],
  [
    "many things at once",
    { nodes: 0, name: "A", extra: true, network: { plugin: "calico" } },
    {
      "/nodes": "Expected a whole number from 1 to 5000, got 0",
      "/name": label('"A"'),
      "/network/plugin": 'Expected "routes" or "manifest", got "calico"',
      "/extra": "Unknown field",
    },
  ],
];

describe("POST /v1/clusters", () => {
  it.each(badClusters)("refuses %s, and names each invalid field", async (_, change, errors) => {
    const answer = await server.request("/v1/clusters", { body: { ...good, ...change } });
    const problem = problemOf(answer, "400 invalid-request");
    expect(Object.fromEntries(problem.errors?.map(({ pointer, detail }) => [pointer, detail]) ?? [])).toEqual(errors);
  });

  const otherwise: [string, RequestOptions, number, string][] = [
    ["a name that is taken", { body: { ...good, name: "taken" } }, 409, "name-taken"],
    ["a version without an image", { body: { ...good, kubernetesVersion: "v1.36.0" } }, 422, "no-image"],
    ["truncated JSON", { body: '{"nodes": 1' }, 400, "malformed-json"],
    ["an empty body", { body: "" }, 400, "malformed-json"],
    [
      "a prototype as a field",
      { body: '{"nodes": 1, "provider": "fake", "__proto__": {"nodes": 1}}' },
      400,
      "invalid-request",
    ],
    ["a list", { body: "[]" }, 400, "invalid-request"],
    ["null", { body: "null" }, 400, "invalid-request"],
    [
      "a form",
      { body: "nodes=1", headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
      "unsupported-media-type",
    ],
    ["a body without a type", { body: "{}", headers: { "content-type": "" } }, 415, "unsupported-media-type"],
    ["a body of 257 KiB", { body: " ".repeat(257 * 1024) }, 413, "too-large"],
    ["an empty Idempotency-Key", { body: good, headers: { "idempotency-key": " " } }, 400, "invalid-request"],
    ["a long Idempotency-Key", { body: good, headers: { "idempotency-key": "k".repeat(256) } }, 400, "invalid-request"],
    ["no token", { body: good, token: null }, 401, "unauthorized"],
    ["a wrong token", { body: good, token: "wrong" }, 401, "unauthorized"],
    ["a capability for a token", { body: good, token: "x".repeat(43) }, 401, "unauthorized"],
    ["another scheme", { body: good, headers: { authorization: "Basic YTpi" } }, 401, "unauthorized"],
  ];
  it.each(otherwise)("refuses %s with its own problem type", async (_, options, status, name) => {
    expect(refusal(await server.request("/v1/clusters", { method: "POST", ...options }))).toBe(`${status} ${name}`);
  });
});
