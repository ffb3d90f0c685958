import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, plainUrl, problemOf, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  // A minute's worth, 60 requests, may come at once.
  server = await createTestServer({ limits: { requestsPerAddress: 1, heldPerAddress: 3 } });
});
afterEach(() => server.close());

const attacker = "198.51.100.7";

async function flood(path: string, options: { token?: string | null } = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let times = 0; times < 70; times += 1)
    statuses.push((await server.request(path, { from: attacker, token: null, ...options })).status);
  return statuses;
}

const metric = async (line: string) => {
  const { text } = await server.request("/metrics");
  return Number(
    text
      .split("\n")
      .find((each) => each.startsWith(line))
      ?.slice(line.length) ?? 0,
  );
};

const heldNow = () => metric("sprout_held_requests ");

describe("Too many requests from one address", () => {
  it.each([
    ["/healthz", null],
    ["/v1/clusters", "not-the-token"],
    ["/node/v1/metadata?mac=52:54:00:00:00:01", "no-capability"],
    ["/nothing/here", null],
    [`${plainUrl}/ipxe?mac=52:54:00:00:00:01`, null],
  ])("get 429 with Retry-After at %s, while other addresses are answered", async (path, token) => {
    const statuses = await flood(path, { token });
    expect(statuses.indexOf(429)).toBe(60);
    expect(statuses.slice(60)).toEqual(Array.from({ length: 10 }, () => 429));
    const refused = await server.request(path, { from: attacker, token });
    problemOf(refused, "429 too-many-requests");
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await server.request(path, { from: "192.0.2.99", token })).status).toBe(statuses[0]);
  });

  it("count in a metric, and appear in the log once a minute with the address", async () => {
    await flood("/healthz");
    expect(await metric('sprout_refused_total{listener="api",what="request",by="address"} ')).toBe(10);
    const warnings = server.log.filter((line) => line.startsWith("Too many"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`"address":"${attacker}"`);
  });

  it("do not keep out a token that was accepted, from the same address", async () => {
    await server.request("/v1/clusters", { from: attacker });
    await server.request("/v1/clusters/c-missing", { from: attacker });
    await flood("/v1/clusters", { token: "not-the-token" });
    expect((await server.request("/v1/clusters", { from: attacker })).status).toBe(200);
  });

  it("make no token known by a route that needs none", async () => {
    await server.request("/healthz", { from: attacker, token: "made-up" });
    expect(await flood("/healthz", { token: "made-up" })).toContain(429);
  });

  it("get 429 by their token if it was accepted, from any address", async () => {
    await server.request("/v1/clusters", { from: attacker });
    const statuses: number[] = [];
    for (let times = 0; times < 310; times += 1)
      statuses.push((await server.request("/v1/clusters", { from: `203.0.113.${times % 250}` })).status);
    expect([statuses.indexOf(429), statuses.at(-1)]).toEqual([300, 429]);
  });

  it("have no bound on the server's own host", async () => {
    const statuses = [];
    for (let times = 0; times < 400; times += 1)
      statuses.push((await server.request("/healthz", { from: "127.0.0.1", token: null })).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe("Too many held requests of one address", () => {
  it("get 429, count waits and event streams together, and end when one of them does", async () => {
    const { id } = await server.create({ nodes: 1 });
    const waits = [1, 2].map(async () =>
      server.request(`/v1/clusters/${id}?wait=ready&timeout=60`, { from: attacker }),
    );
    const stream = server.request(`/v1/clusters/${id}/events`, { from: attacker });
    await expect.poll(heldNow).toBe(3);
    for (const path of [`/v1/clusters/${id}?wait=ready`, `/v1/clusters/${id}/events`]) {
      const refused = await server.request(path, { from: attacker });
      problemOf(refused, "429 too-many-requests");
      expect(refused.headers.get("retry-after")).toBe("5");
    }
    expect((await server.request(`/v1/clusters/${id}`, { from: attacker })).status).toBe(200);
    server.clock.advance(60_000);
    await Promise.all(waits);
    await expect.poll(heldNow).toBe(1);
    const again = server.request(`/v1/clusters/${id}?wait=ready&timeout=60`, { from: attacker });
    await expect.poll(heldNow).toBe(2);
    server.stopping.abort();
    await Promise.all([again, stream]);
  });

  it("leave the API's own for the same address if nodes have them", async () => {
    server.provider.plansAddresses = false;
    const cluster = await server.create({ nodes: 5 });
    const workers = [1, 2, 3, 4].map((index) => createTestMachine(server, cluster, index));
    const ask = ({ mac, capability }: (typeof workers)[number]) =>
      server.request(`/node/v1/metadata?mac=${mac}`, { token: capability, from: attacker });
    const held = workers.slice(0, 3).map(ask);
    await expect.poll(heldNow).toBe(3);
    problemOf(await ask(workers[3]!), "429 too-many-requests");
    const wait = server.request(`/v1/clusters/${cluster.id}?wait=ready&timeout=60`, { from: attacker });
    await expect.poll(heldNow).toBe(4);
    server.stopping.abort();
    expect((await wait).status).toBe(200);
    await Promise.all(held);
  });
});
