import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, plainUrl, refusal, type TestServer } from "../fixtures/test-server.ts";
import { walkListings } from "../fixtures/walk-listings.ts";

let server: TestServer;

beforeEach(async () => {
  server = await createTestServer();
  server.provider.plansAddresses = false;
});
afterEach(() => server.close());

/** Waits until the request is held: it has set its timer. */
async function untilHeld(timers: number) {
  while (server.clock.pending() < timers) await new Promise(setImmediate);
}

describe("GET /node/v1/metadata without planned addresses", () => {
  it("holds a worker's request until a control plane's address is known", async () => {
    const cluster = await server.create({ nodes: 2 });
    const first = createTestMachine(server, cluster, 0);
    const worker = createTestMachine(server, cluster, 1);
    const held = worker.getMetadata(`mac=${worker.mac}&address=192.0.2.7`);
    await untilHeld(1);
    expect((await first.getMetadata(`mac=${first.mac}&address=192.0.2.5&address=192.0.2.6`)).status).toBe(200);
    expect((await held).body).toMatchObject({
      self: { address: "192.0.2.7" },
      controlPlanes: [{ name: first.name, address: "192.0.2.5" }],
    });
    expect(server.clock.pending()).toBe(0);
  });

  it("holds no request of cloud-init, whose answers later differ only by the address", async () => {
    const cluster = await server.create({ nodes: 2 });
    const first = createTestMachine(server, cluster, 0);
    const worker = createTestMachine(server, cluster, 1);
    const ask = (path: string) => server.request(`${plainUrl}/${path}`, { token: null });
    const seedOf = async () => {
      const { text } = await ask(`nocloud/${worker.capability}/user-data`);
      return Buffer.from(/content: (\S+)/.exec(text)?.[1] ?? "", "base64").toString();
    };
    const filesOf = async () => {
      const walked = await walkListings(ask, `ec2/${worker.capability}/latest/meta-data/`);
      return new Map(walked.map(({ path, answer }) => [path.replace(/.*meta-data/, ""), answer.text]));
    };
    const [seed, files] = [await seedOf(), await filesOf()];
    const held = worker.getMetadata(`mac=${worker.mac}&address=192.0.2.7`);
    await untilHeld(1);
    expect(JSON.parse(await seedOf())).toEqual({ ...JSON.parse(seed), address: "192.0.2.7" });
    const added = [...(await filesOf())].filter(([path, text]) => !path.endsWith("/") && files.get(path) !== text);
    expect(added).toEqual([["/local-ipv4", "192.0.2.7"]]);
    for (const file of ["meta-data", "vendor-data", "network-config"])
      expect((await ask(`nocloud/${worker.capability}/${file}`)).status).toBe(200);
    expect(server.clock.pending()).toBe(1);
    await first.getMetadata(`mac=${first.mac}&address=192.0.2.5`);
    expect((await held).status).toBe(200);
  });

  it("holds a control plane's request until all control planes' addresses are known", async () => {
    const cluster = await server.create({ nodes: undefined, controlPlanes: 3 });
    const machines = [0, 1, 2].map((index) => createTestMachine(server, cluster, index));
    const held = machines
      .slice(0, 2)
      .map((machine, index) => machine.getMetadata(`mac=${machine.mac}&address=192.0.2.${index + 1}`));
    await untilHeld(2);
    expect((await server.cluster(cluster.id)).deadlineAt).toBeNull();
    const last = await machines[2]!.getMetadata(`mac=${machines[2]!.mac}&address=192.0.2.3`);
    const documents = [...(await Promise.all(held)), last].map(
      ({ body }) => body as { controlPlanes: { address: string }[] },
    );
    for (const { controlPlanes } of documents)
      expect(controlPlanes.map(({ address }) => address)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    expect((await server.cluster(cluster.id)).state).toBe("bootstrapping");
  });

  it("answers 503 not-final after 25 s, with Retry-After of a second", async () => {
    const cluster = await server.create({ nodes: 2 });
    const worker = createTestMachine(server, cluster, 1);
    const held = worker.getMetadata(`mac=${worker.mac}&address=192.0.2.7`);
    await untilHeld(1);
    server.clock.advance(25_000);
    const answer = await held;
    expect(refusal(answer)).toBe("503 not-final");
    expect(answer.headers.get("retry-after")).toBe("1");
  });

  it("stops holding when the client disconnects or the server stops", async () => {
    const cluster = await server.create({ nodes: 2 });
    const worker = createTestMachine(server, cluster, 1);
    const client = new AbortController();
    const gone = worker.getMetadata(`mac=${worker.mac}&address=192.0.2.7`, { signal: client.signal });
    await untilHeld(1);
    client.abort();
    expect(refusal(await gone)).toBe("503 not-final");
    const held = worker.getMetadata();
    await untilHeld(1);
    server.stopping.abort();
    expect(refusal(await held)).toBe("503 not-final");
    expect(server.clock.pending()).toBe(0);
  });

  it("refuses a claim while the address is unknown", async () => {
    const cluster = await server.create({ nodes: 1 });
    const first = createTestMachine(server, cluster, 0);
    expect(await server.clusters.store.secret({ clusterId: cluster.id, member: first.name })).toBeUndefined();
    expect(refusal(await first.postClaim())).toBe("503 not-final");
  });

  it("leads to certificates for the address that the machine reported, the same for every claim", async () => {
    const cluster = await server.create({ nodes: 1 });
    const first = createTestMachine(server, cluster, 0);
    await first.getMetadata(`mac=${first.mac}&address=192.0.2.5`);
    const credentials = await first.claim();
    const serving = new X509Certificate(credentials.kubelet.serving.certificate);
    expect(serving.subjectAltName).toBe(`DNS:${first.name}, IP Address:192.0.2.5`);
    expect(await first.claim()).toEqual(credentials);
  });
});
