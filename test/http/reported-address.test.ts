import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { type Answer, createTestServer, problemOf, refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;
let first: TestMachine;
let workers: TestMachine[];
/** No address of this cluster is planned. */
beforeEach(async () => {
  server = await createTestServer();
  server.provider.plansAddresses = false;
  const network = { podSubnet: "10.60.0.0/16", serviceSubnet: "10.61.0.0/16" };
  cluster = await server.create({ network });
  workers = [1, 2].map((index) => createTestMachine(server, cluster, index));
  first = createTestMachine(server, cluster, 0);
  await at(first, "192.0.2.5").metadata();
});
afterEach(() => server.close());

function at(machine: TestMachine, address: string, from = address): TestMachine {
  Object.assign(machine.hardware, { addresses: [address] });
  return Object.assign(machine, { from });
}
const messages = async () =>
  (await server.events(cluster.id)).flatMap((event) => ("message" in event && event.message ? [event.message] : []));
const memberOf = async ({ name }: TestMachine) => (await server.clusters.store.member(cluster.id, name))!;
const secretOf = ({ name: member }: TestMachine) => server.clusters.store.secret({ clusterId: cluster.id, member });

const calls: [string, string, (machine: TestMachine) => Promise<Answer>][] = [
  ["GET /node/v1/metadata", "/address/0", (machine) => machine.getMetadata()],
  ["POST /node/v1/claim, with no metadata before it", "/hardware/addresses/0", (machine) => machine.postClaim()],
];

describe.each(calls)("%s of a machine that reports its address", (_, pointer, call) => {
  it.each(["10.60.200.1", "10.61.0.53", "169.254.20.10", "224.0.0.251", "127.0.0.1", "0.0.0.0", "255.255.255.255"])(
    "refuses %s, binds nothing, and says why on the timeline",
    async (address) => {
      const [worker] = workers as [TestMachine];
      const before = await memberOf(worker);
      const { errors = [] } = problemOf(await call(at(worker, address, "198.51.100.7")), "400 invalid-request");
      expect(errors.map((error) => error.pointer)).toEqual([pointer]);
      expect(errors[0]?.detail).toContain(`got "${address}"`);
      expect(await memberOf(worker)).toEqual(before);
      expect(await secretOf(worker)).toBeUndefined();
      expect((await messages()).filter((message) => message.includes(address))).toHaveLength(1);
      const audit = await server.clusters.store.audit({ after: 0, limit: 100 });
      expect(audit.at(-1)).toMatchObject({ outcome: "refused", member: worker.name, from: "198.51.100.7" });
      expect((await call(at(worker, "192.0.2.6"))).status).toBe(200);
    },
  );

  it("refuses another member's address, and then takes its own", async () => {
    const [worker] = workers as [TestMachine];
    const before = await memberOf(worker);
    expect(refusal(await call(at(worker, "192.0.2.5")))).toBe("409 wrong-state");
    expect(await memberOf(worker)).toEqual(before);
    expect(await messages()).toContainEqual(expect.stringContaining(`192.0.2.5, which ${first.name} has`));
    expect((await call(at(worker, "192.0.2.6"))).status).toBe(200);
  });

  it("refuses one of two members that call at one moment with one address", async () => {
    const answers = await Promise.all(workers.map((worker) => call(at(worker, "192.0.2.6"))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const addresses = await Promise.all(workers.map(async (worker) => (await memberOf(worker)).address));
    expect(new Set(addresses)).toEqual(new Set(["192.0.2.6", null]));
  });

  it("records once that the connection has another address, and refuses nothing (NAT)", async () => {
    const [worker] = workers as [TestMachine];
    for (let time = 0; time < 3; time += 1)
      expect((await call(at(worker, "192.0.2.6", "198.51.100.7"))).status).toBe(200);
    expect((await messages()).filter((message) => message.includes("198.51.100.7"))).toHaveLength(1);
    expect((await messages()).filter((message) => message.includes("192.0.2.5"))).toEqual([]);
  });

  it("takes an IPv4 address that an IPv6 listener sees as mapped for the same one", async () => {
    const [worker] = workers as [TestMachine];
    expect((await call(at(worker, "192.0.2.6", "::ffff:192.0.2.6"))).status).toBe(200);
    expect((await messages()).filter((message) => message.includes("192.0.2.6"))).toEqual([]);
  });

  it("gives the address to a member of another cluster, too", async () => {
    const other = await server.create({ name: "other" });
    const machine = at(createTestMachine(server, other, 0), "192.0.2.5");
    expect((await call(machine)).status).toBe(200);
  });
});

describe("GET /node/v1/metadata of a control plane that reports its address", () => {
  it("refuses a worker's address", async () => {
    const other = await server.create({ name: "other" });
    expect((await at(createTestMachine(server, other, 1), "192.0.2.6").postClaim()).status).toBe(200);
    expect(refusal(await at(createTestMachine(server, other, 0), "192.0.2.6").getMetadata())).toBe("409 wrong-state");
  });
});
