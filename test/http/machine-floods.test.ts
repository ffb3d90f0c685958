import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApprovalRule } from "#api/machine-requests.ts";
import { plainUrl, createTestServer, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const hex = (value: number) => value.toString(16).padStart(2, "0");
const mac = (index: number) => `52:54:00:00:${hex(index >> 8)}:${hex(index & 255)}`;
const indexes = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index);
const ask = (index: number, from: string) =>
  server.request(`${plainUrl}/ipxe?mac=${mac(index)}`, { token: null, from });
const askAll = (machines: readonly number[], from: (index: number) => string) =>
  Promise.all(machines.map((index) => ask(index, from(index))));
const setRules = (...rules: ApprovalRule[]) => server.request("/v1/machines/rules", { method: "PUT", body: { rules } });
const count = (state: "free" | "seen") => server.clusters.store.countMachines(state);
const alerts = () => server.log.filter((line) => line.startsWith("Alert"));
const idOf = async (index: number) => (await server.clusters.store.machineByMac(mac(index)))?.id;

const attacker = () => "203.0.113.9";
const ownAddress = (index: number) => `10.0.${index >> 8}.${index & 255}`;

describe("GET /ipxe with machines that an attacker invents", () => {
  it("lets an approval rule approve 10 of one address, and leaves the others seen, with one alert", async () => {
    await setRules({ macPrefix: "52:54:00" });
    await askAll(indexes(200), attacker);
    expect([await count("free"), await count("seen")]).toEqual([10, 190]);
    await askAll(indexes(200), attacker);
    expect([await count("free"), await count("seen")]).toEqual([10, 190]);
    expect(alerts()).toHaveLength(1);
    expect(alerts()[0]).toContain("The approval rules let in 10 machines from 203.0.113.9 within an hour");
    expect((await server.request("/metrics")).text).toContain('sprout_alerts_total{code="approval-limit"} 1');
    const { events = [] } = (await server.clusters.store.machineByMac(mac(10))) ?? {};
    expect(events.map(({ claim }) => claim)).toEqual([undefined, "approval-limit"]);
    const approvals = (await server.clusters.store.audit({ after: 0, limit: 1000 })).filter(
      ({ action }) => action === "approve",
    );
    expect(approvals).toHaveLength(10);
  }, 60_000);

  it("keeps the count across a restart, and approves further machines after an hour", async () => {
    await setRules({ macPrefix: "52:54:00" });
    await askAll(indexes(10), attacker);
    server = await server.restart();
    await askAll(indexes(20), attacker);
    expect(await count("free")).toBe(10);
    server.clock.advance(3_600_000);
    await askAll(indexes(30), attacker);
    expect(await count("free")).toBe(20);
  });

  it("approves by hand without a bound", async () => {
    await setRules({ macPrefix: "52:54:00" });
    await askAll(indexes(30), attacker);
    for (const index of indexes(30))
      await server.request(`/v1/machines/${await idOf(index)}/approve`, { method: "POST" });
    expect(await count("free")).toBe(30);
  });

  it("lets a rule approve a rack of 400 machines that are switched on at once, each with its own address", async () => {
    await setRules({ macPrefix: "52:54:00" });
    await askAll(indexes(400), ownAddress);
    expect([await count("free"), await count("seen")]).toEqual([400, 0]);
    expect(alerts()).toEqual([]);
  }, 60_000);

  it("keeps the real machines that wait while one address invents 1,100 others", async () => {
    await askAll(indexes(3), ownAddress);
    server.clock.advance(1000);
    await ask(100, attacker());
    server.clock.advance(1000);
    await askAll(indexes(996, 101), attacker);
    expect(await count("seen")).toBe(1000);
    await askAll(indexes(103, 1097), attacker);
    expect(await count("seen")).toBe(1000);
    expect(await Promise.all(indexes(3).map(idOf))).not.toContain(undefined);
    expect(await idOf(100)).toBeUndefined();
    expect(await idOf(1199)).toBeDefined();
    const answer = await server.request(`/v1/machines/${await idOf(0)}/approve`, { method: "POST" });
    expect(answer.status).toBe(200);
  }, 60_000);
});
