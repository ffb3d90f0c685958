import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import type { Member } from "#api/member.ts";
import { loadServerTls } from "../../metadata-server/pki/server-tls.ts";

export interface FakeApi {
  url: string;
  caFile: string;
  tokenFile: string;
  /** Holds `token` and `tls/ca.crt`, like the real server's. */
  dataDir: string;
  close(): Promise<void>;
}

export const fakeToken = "fake-token-of-the-fake-api";

/** A fake metadata server: real HTTPS with a real authority, and answers that the test writes. */
export async function startFakeApi(define: (app: Hono) => void): Promise<FakeApi> {
  const dataDir = await mkdtemp(join(tmpdir(), "sprout-fake-api-"));
  const tls = await loadServerTls({
    directory: join(dataDir, "tls"),
    names: ["localhost"],
    addresses: ["127.0.0.1"],
    now: Date.now(),
  });
  const tokenFile = join(dataDir, "token");
  await writeFile(tokenFile, `${fakeToken}\n`, { mode: 0o600 });
  const app = new Hono();
  define(app);
  const listener = getRequestListener(app.fetch);
  const server = createServer({ key: tls.key, cert: tls.certificate }, (incoming, outgoing) => {
    void listener(incoming, outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFile: tls.caFile,
    tokenFile,
    dataDir,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await rm(dataDir, { recursive: true });
    },
  };
}

export const fakeClusterId = "c-abcdefgh234567ab";
const epoch = Date.parse("2026-01-01T00:00:00.000Z");
const at = (ms: number) => new Date(epoch + ms).toISOString();

export const fakeMember = (name: string, changes: Partial<Member> = {}): Member => ({
  name: `${name}.build126.sprout.internal`,
  role: name.startsWith("cp") ? "control-plane" : "worker",
  nodePool: name.startsWith("cp") ? null : "default",
  allocation: "a-abcdefgh234567ab",
  address: "10.77.0.11",
  podCidr: "10.244.0.0/24",
  state: "pending",
  phase: null,
  phases: [],
  launchedAt: null,
  firstContactAt: null,
  lastReportAt: null,
  failure: null,
  detachFailure: null,
  ...changes,
});

export const fakeCluster = (changes: Partial<Cluster> = {}): Cluster => ({
  id: fakeClusterId,
  name: "build126",
  state: "provisioning",
  failure: null,
  kubernetesVersion: defaultKubernetesVersion,
  provider: "nspawn",
  join: "certificate",
  endpoint: "api.build126.sprout.internal:6443",
  network: { plugin: "routes", podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" },
  labels: {},
  nodePools: [{ name: "default", workers: 1, members: 1, ready: 0 }],
  maxUnhealthy: 0,
  degraded: null,
  deadlineSeconds: 180,
  failedTtlSeconds: 900,
  createdAt: at(0),
  deadlineAt: null,
  readyAt: null,
  availableAt: null,
  failedAt: null,
  expiresAt: null,
  members: [fakeMember("cp01"), fakeMember("node01")],
  ...changes,
});

type Unnumbered = Event extends infer E
  ? E extends Event
    ? Omit<E, "sequence" | "at"> & { ms: number }
    : never
  : never;

/** Events as the server numbers them; `ms` counts from the cluster's creation. */
export const fakeEvents = (...events: Unnumbered[]): Event[] =>
  events.map(({ ms, ...event }, index) => ({ ...event, sequence: index + 1, at: at(ms) }));

export const toServerSent = (event: Event): string => `id: ${event.sequence}\ndata: ${JSON.stringify(event)}\n\n`;
