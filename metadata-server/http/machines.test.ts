import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Machine } from "#api/machine.ts";
import { MachineSighting } from "#api/machine-sighting.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { openCredentials } from "../machines/power-settings.ts";
import { seeMachine } from "../machines/see-machine.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const [one, two] = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];
const redfish = { driver: "redfish", url: "https://bmc1/redfish/v1/Systems/1", username: "root", password: "hunter22" };

const register = async (body: Record<string, unknown> = {}) => {
  const answer = await server.request("/v1/machines", { body: { macs: [one], ...body } });
  if (answer.status !== 201) throw new Error(`Cannot register machine: ${answer.text}`);
  return Machine.parse(answer.body);
};
const see = (mac = one) =>
  seeMachine(server.clusters, { ...MachineSighting.parse({ macs: [mac] }), from: "10.99.0.50" });
const post = (id: string, verb: string) => server.request(`/v1/machines/${id}/${verb}`, { method: "POST" });
const list = async (query = "") =>
  (await server.request(`/v1/machines${query}`)).body as { machines: Machine[]; next: string | null };
const errorsOf = (answer: Parameters<typeof problemOf>[0]) =>
  problemOf(answer, "400 invalid-request").errors?.map(({ pointer, detail }) => `${pointer} ${detail}`);

describe("/v1/machines", () => {
  it("registers a machine, and never shows the credentials of its power controller", async () => {
    const answer = await server.request("/v1/machines", {
      body: { macs: ["52-54-00-AA-00-01", two], clusterMac: two, labels: { rack: "r1" }, power: redfish },
    });
    expect(answer.status).toBe(201);
    const machine = Machine.parse(answer.body);
    expect(answer.headers.get("location")).toBe(`/v1/machines/${machine.id}`);
    expect(machine).toMatchObject({
      state: "approved",
      macs: [one, two],
      provisioningMac: one,
      clusterMac: two,
      power: { driver: "redfish", url: redfish.url },
      firstSeenAt: null,
    });
    expect((await server.request(`/v1/machines/${machine.id}`)).body).toEqual(machine);
    const record = (await server.clusters.store.machine(machine.id))!;
    expect(JSON.stringify(record)).not.toContain("hunter22");
    expect(openCredentials(server.clusters, record)).toEqual({ username: "root", password: "hunter22" });
    const stolen = { id: "m-bbbbbbbbbbbbbbbb", power: record.power };
    expect(() => openCredentials(server.clusters, stolen)).toThrow(/belong to another machine/);
  });

  it("moves a machine from seen to approved to refused and back, each in the audit log", async () => {
    const { machine } = await see();
    for (const [verb, state] of [
      ["approve", "free"],
      ["refuse", "refused"],
      ["approve", "free"],
      ["approve", "free"],
    ] as const)
      expect((await post(machine.id, verb)).body).toMatchObject({ state });
    const audit = await server.clusters.store.audit({ after: 0, limit: 10 });
    expect(audit.map(({ action, outcome, actor, from }) => [action, outcome, actor, from].join(" "))).toEqual([
      "approve allowed api 192.0.2.1",
      "machine-refuse allowed api 192.0.2.1",
      "approve allowed api 192.0.2.1",
    ]);
  });

  it("keeps an unseen machine approved until it is seen or the operator confirms it", async () => {
    const first = await register();
    expect((await post(first.id, "approve")).body).toMatchObject({ state: "approved" });
    await see();
    expect((await server.request(`/v1/machines/${first.id}`)).body).toMatchObject({ state: "free" });
    const second = await register({ macs: [two] });
    expect((await post(second.id, "release")).body).toMatchObject({ state: "free" });
  });

  it("lists machines by state, label, MAC and page", async () => {
    const machines = [];
    for (const index of [1, 2, 3]) {
      server.clock.advance(1);
      machines.push(
        await register({ macs: [`52:54:00:aa:00:0${index}`], labels: { rack: `r${index % 2}`, zone: "a" } }),
      );
    }
    const [first, second, third] = machines.map(({ id }) => id);
    await post(second!, "release");
    const ids = async (query: string) => (await list(query)).machines.map(({ id }) => id);
    expect(await ids("")).toEqual([third, second, first]);
    expect(await ids("?state=free")).toEqual([second]);
    expect(await ids("?label=rack=r1&label=zone=a")).toEqual([third, first]);
    expect(await ids("?label=rack=r1&label=zone=b")).toEqual([]);
    expect(await ids("?mac=52-54-00-AA-00-02")).toEqual([second]);
    expect(await ids("?mac=52:54:00:aa:00:02&state=approved")).toEqual([]);
    const page = await list("?limit=2");
    expect(page.next).toBe(second);
    expect(await list(`?limit=2&after=${page.next}`)).toMatchObject({ machines: [{ id: first }], next: null });
  });

  it("changes the given fields and keeps the others, credentials included", async () => {
    const machine = await register({ power: redfish, labels: { rack: "r1" } });
    const path = `/v1/machines/${machine.id}`;
    const changed = await server.request(path, { method: "PATCH", body: { labels: { rack: "r2" }, macs: [one, two] } });
    expect(changed.body).toMatchObject({
      labels: { rack: "r2" },
      macs: [one, two],
      provisioningMac: one,
      power: machine.power,
    });
    await server.request(path, { method: "PATCH", body: { power: { driver: "redfish", url: redfish.url } } });
    const kept = (await server.clusters.store.machine(machine.id))!;
    expect(openCredentials(server.clusters, kept)).toEqual({ username: "root", password: "hunter22" });
    await server.request(path, {
      method: "PATCH",
      body: { power: { driver: "redfish", url: "https://bmc2/redfish/v1/Systems/1" } },
    });
    expect(openCredentials(server.clusters, (await server.clusters.store.machine(machine.id))!)).toBeUndefined();
  });

  it("refuses contradictory changes, and leaves the machine unchanged", async () => {
    await register({ macs: [two] });
    const machine = await register();
    const patch = (body: object) => server.request(`/v1/machines/${machine.id}`, { method: "PATCH", body });
    expect(errorsOf(await patch({ clusterMac: two }))).toEqual([
      `/clusterMac Expected one of the machine's MAC addresses, got "${two}"`,
    ]);
    expect(errorsOf(await patch({ macs: [one, two] }))).toEqual([
      `/macs Expected MAC addresses that no other machine has: Cannot store machine ${machine.id}: the MAC ${two} belongs to another machine`,
    ]);
    expect(errorsOf(await patch({ macs: ["52:54:00:aa:00:03"] }))).toHaveLength(2);
    expect(errorsOf(await patch({ state: "free" }))).toEqual(["/state Unknown field"]);
    expect((await server.request(`/v1/machines/${machine.id}`)).body).toEqual(machine);
  });

  it.each([
    ["no MAC", {}, ["/macs Expected a list of 1 to 32 items, got nothing"]],
    [
      "malformed MACs",
      { macs: ["52:54:00:aa:00", "ff:ff:ff:ff:ff:ff"] },
      [
        '/macs/0 Expected a MAC address such as 52:54:00:12:34:56, got "52:54:00:aa:00"',
        '/macs/1 Expected the MAC address of one interface, neither of a group nor zero, got "ff:ff:ff:ff:ff:ff"',
      ],
    ],
    ["one MAC twice", { macs: [one, "52-54-00-AA-00-01"] }, ["/macs Expected each MAC address once, got a list"]],
    [
      "a malformed UUID",
      { macs: [one], uuid: "4c4c" },
      ['/uuid Expected a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732, got "4c4c"'],
    ],
    [
      "a serial that begins a new line",
      { macs: [one], serial: "a\nb" },
      [String.raw`/serial Expected text of at most 128 characters without control characters, got "a\nb"`],
    ],
    ["a foreign cluster NIC", { macs: [one], clusterMac: two }, [`/clusterMac Expected one of macs, got "${two}"`]],
    [
      "credentials in the URL",
      { macs: [one], power: { driver: "redfish", url: "https://a:b@bmc/" } },
      ["/power/url Expected a URL without user, password, query or fragment"],
    ],
  ])("refuses to register %s", async (_, body, errors) => {
    expect(errorsOf(await server.request("/v1/machines", { body }))).toEqual(errors);
    expect((await list()).machines).toEqual([]);
  });

  it("deletes a machine, and treats it as a new one when it asks again", async () => {
    const { machine } = await see();
    expect((await server.request(`/v1/machines/${machine.id}`, { method: "DELETE" })).status).toBe(204);
    expect(refusal(await server.request(`/v1/machines/${machine.id}`))).toBe("404 not-found");
    expect(refusal(await post(machine.id, "approve"))).toBe("404 not-found");
    expect((await see()).machine.id).not.toBe(machine.id);
  });

  it("stores approval rules, and refuses one that would approve every machine", async () => {
    const put = (rules: object[]) => server.request("/v1/machines/rules", { method: "PUT", body: { rules } });
    const rules = [{ macPrefix: "52:54:00", labels: { rack: "r1" } }];
    expect((await put(rules)).body).toEqual({ rules });
    expect(errorsOf(await put([{ labels: { rack: "r1" } }, { macPrefix: "52:54:00:" }]))).toEqual([
      "/rules/0 Expected a condition, or the rule would approve every machine, got an object",
      '/rules/1/macPrefix Expected the beginning of a lower-case MAC address, such as 52:54:00, got "52:54:00:"',
    ]);
    expect((await server.request("/v1/machines/rules")).body).toEqual({ rules });
  });

  it("requires the API token on every route", async () => {
    for (const path of ["/v1/machines", "/v1/machines/rules", `/v1/machines/explain?mac=${one}`])
      expect(refusal(await server.request(path, { token: null }))).toBe("401 unauthorized");
  });
});
