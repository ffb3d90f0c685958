import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { expectNothingChanges } from "../../test/fixtures/nothing-changes.ts";
import {
  createTestServer,
  problemOf,
  refusal,
  type RequestOptions,
  type TestServer,
} from "../../test/fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;

beforeAll(async () => {
  server = await createTestServer();
  cluster = await server.create({ name: "taken" });
});
afterAll(() => server.close());
expectNothingChanges(() => ({ server, cluster }));

const good = { name: "new", nodes: 2, provider: "fake" };
const dnsLabel = "must be a DNS label: lower-case letters, digits and inner hyphens";
const cidr = "must be an IPv4 CIDR such as 10.244.0.0/16";

/** Each refused with 400 `invalid-request` and exactly these fields. */
const badClusters: [string, Record<string, unknown>, Record<string, string>][] = [
  [
    "nothing at all",
    { name: undefined, nodes: undefined, provider: undefined },
    {
      "/provider": "is required",
      "/nodes": "is required unless controlPlanes is given",
    },
  ],
  ["no number of nodes", { nodes: undefined }, { "/nodes": "is required unless controlPlanes is given" }],
  ["no node", { nodes: 0 }, { "/nodes": "Too small: expected number to be >=1" }],
  ["too many nodes", { nodes: 5001 }, { "/nodes": "Too big: expected number to be <=5000" }],
  ["half a node", { nodes: 1.5 }, { "/nodes": "Invalid input: expected int, received number" }],
  ["nodes as text", { nodes: "2" }, { "/nodes": "Invalid input: expected number, received string" }],
  ["nodes and workers", { workers: 1 }, { "/nodes": "excludes controlPlanes and workers" }],
  [
    "an even number of control planes",
    { nodes: undefined, controlPlanes: 2 },
    { "/controlPlanes": "must be odd, so that etcd keeps a quorum" },
  ],
  [
    "too few nodes for high availability",
    { highAvailability: true },
    { "/nodes": "must be at least 3 with highAvailability" },
  ],
  ["a name in capitals", { name: "Build" }, { "/name": dnsLabel }],
  ["a name with a line feed", { name: "build\n" }, { "/name": dnsLabel }],
  ["an empty name", { name: "" }, { "/name": dnsLabel }],
  ["a long name", { name: "a".repeat(33) }, { "/name": "Too big: expected string to have <=32 characters" }],
  [
    "a name that makes node names too long",
    { name: "a".repeat(32) },
    {
      "/name": `makes the node name node01.${"a".repeat(32)}.sprout.internal 55 characters long, 52 are possible`,
    },
  ],
  ["an unknown provider", { provider: "nowhere" }, { "/provider": "is unknown; this server has: fake" }],
  [
    "a version without v",
    { kubernetesVersion: "1.37.2" },
    { "/kubernetesVersion": "must be a version such as v1.37.2" },
  ],
  [
    "a version older than the supported ones",
    { kubernetesVersion: "v1.33.9" },
    { "/kubernetesVersion": "must be of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer" },
  ],
  [
    "a version of another major",
    { kubernetesVersion: "v2.40.0" },
    { "/kubernetesVersion": "must be of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer" },
  ],
  ["an unknown field", { node: 3 }, { "/node": "is unknown" }],
  ["an unknown field with a slash", { "a/b~c": 3 }, { "/a~1b~0c": "is unknown" }],
  [
    "a deadline below the least",
    { deadlineSeconds: 4 },
    { "/deadlineSeconds": "Too small: expected number to be >=5" },
  ],
  [
    "a deadline above the most",
    { deadlineSeconds: 3601 },
    { "/deadlineSeconds": "Too big: expected number to be <=3600" },
  ],
  ["a short time to live", { ttlSeconds: 59 }, { "/ttlSeconds": "Too small: expected number to be >=60" }],
  [
    "a negative time to fail",
    { failedTtlSeconds: -1 },
    { "/failedTtlSeconds": "Too small: expected number to be >=0" },
  ],
  [
    "a label that is not text",
    { labels: { a: 1 } },
    { "/labels/a": "Invalid input: expected string, received number" },
  ],
  [
    "too many labels",
    { labels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, ""])) },
    { "/labels": "must have 64 labels at most" },
  ],
  ["a pod subnet that is none", { network: { podSubnet: "10.244.0.0" } }, { "/network/podSubnet": cidr }],
  ["an IPv6 pod subnet", { network: { podSubnet: "fd00::/48" } }, { "/network/podSubnet": cidr }],
  [
    "a pod subnet with host bits",
    { network: { podSubnet: "10.244.1.0/16" } },
    { "/network/podSubnet": "10.244.1.0/16 has host bits set; the network is 10.244.0.0/16" },
  ],
  [
    "a pod subnet that is too small",
    { network: { podSubnet: "10.244.0.0/24" } },
    { "/network/podSubnet": "10.244.0.0/24 has room for 1 nodes of a /24 each, the cluster has 2" },
  ],
  [
    "subnets that overlap",
    { network: { podSubnet: "10.96.0.0/16" } },
    { "/network/podSubnet": "10.96.0.0/16 overlaps the service subnet 10.96.0.0/12" },
  ],
  [
    "a pod subnet around the machines",
    { network: { podSubnet: "10.77.0.0/16" } },
    { "/network/podSubnet": "10.77.0.0/16 contains the machine address 10.77.0.11" },
  ],
  [
    "a service subnet that is too small",
    { network: { serviceSubnet: "10.96.0.0/29" } },
    { "/network/serviceSubnet": "10.96.0.0/29 must be between /12 and /28" },
  ],
  [
    "a pod subnet on loopback",
    { network: { podSubnet: "127.0.0.0/16" } },
    { "/network/podSubnet": "127.0.0.0/16 overlaps 127.0.0.0/8, which is not usable" },
  ],
  [
    "many things at once",
    { nodes: 0, name: "A", extra: true, network: { plugin: "calico" } },
    {
      "/nodes": "Too small: expected number to be >=1",
      "/name": dnsLabel,
      "/network/plugin": 'Invalid option: expected one of "routes"|"manifest"',
      "/extra": "is unknown",
    },
  ],
];

describe("POST /v1/clusters refuses", () => {
  it.each(badClusters)("%s", async (_, change, errors) => {
    const answer = await server.request("/v1/clusters", { body: { ...good, ...change } });
    const problem = problemOf(answer, "400 invalid-request");
    expect(Object.fromEntries(problem.errors?.map(({ pointer, detail }) => [pointer, detail]) ?? [])).toEqual(errors);
  });

  const otherwise: [string, RequestOptions, number, string][] = [
    ["a name that is taken", { body: { ...good, name: "taken" } }, 409, "name-taken"],
    ["a version without an image", { body: { ...good, kubernetesVersion: "v1.36.0" } }, 422, "no-image"],
    ["JSON that is cut off", { body: '{"nodes": 1' }, 400, "malformed-json"],
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
  it.each(otherwise)("%s", async (_, options, status, name) => {
    expect(refusal(await server.request("/v1/clusters", { method: "POST", ...options }))).toBe(`${status} ${name}`);
  });
});
