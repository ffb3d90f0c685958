import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Machine } from "#api/machine.ts";
import { credentials, openRedfish, type RedfishUnderTest } from "../fixtures/redfish-driver.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let redfish: RedfishUnderTest;
beforeEach(async () => {
  server = await createTestServer();
  redfish = await openRedfish();
});
afterEach(async () => {
  await server.close();
  await redfish.destroy();
});

const url = () => new URL("/redfish/v1/Systems/1", redfish.fake.url).href;
async function register(power: Record<string, unknown>): Promise<Machine> {
  const answer = await server.request("/v1/machines", { body: { macs: ["52:54:00:aa:00:01"], power } });
  return Machine.parse(answer.body);
}
const registerRedfish = (more: Record<string, unknown> = {}) =>
  register({ driver: "redfish", url: url(), ...credentials, ...more });
const read = async (id: string) => Machine.parse((await server.request(`/v1/machines/${id}`)).body);
async function switchTo(id: string, action: string) {
  const answer = await server.request(`/v1/machines/${id}/power`, { body: { action } });
  await server.clusters.background.idle();
  return answer;
}
const timeline = async (id: string) =>
  (await read(id)).events.filter(({ type }) => type === "power").map(({ message }) => message);

describe("POST /v1/machines/:id/power (a fake controller)", () => {
  it("switches the machine, and records who asked and the result", async () => {
    const { id } = await registerRedfish({ certificateSha256: redfish.fake.fingerprint });
    const answer = await switchTo(id, "network-boot");
    expect(answer.status).toBe(202);
    expect(Machine.parse(answer.body).events.at(-1)?.message).toBe("Asked by api to boot over the network");
    expect(redfish.fake.system.boots).toEqual(["Pxe, UEFI"]);
    expect(await timeline(id)).toEqual([
      "Asked by api to boot over the network",
      `Boots over the network, says ${redfish.fake.url.host}`,
    ]);
    expect(redfish.fake.openSessions.size).toBe(0);
    const [, entry] = await server.clusters.store.audit({ after: 0, limit: 10 });
    expect(entry).toMatchObject({
      action: "machine-power",
      outcome: "allowed",
      actor: "api",
      from: "192.0.2.1",
      detail: `machine ${id} (MAC 52:54:00:aa:00:01): boot over the network`,
    });
  });

  it("pins the first certificate on request before it sends credentials, and later trusts no other", async () => {
    const { id, power: before } = await registerRedfish({ trustOnFirstUse: true });
    expect(before).toEqual({ driver: "redfish", url: url(), certificateSha256: null });
    await switchTo(id, "on");
    expect((await read(id)).power).toMatchObject({ certificateSha256: redfish.fake.fingerprint });
    expect(await timeline(id)).toEqual([
      "Asked by api to switch on",
      `Pinned the first certificate of its controller: ${redfish.fake.fingerprint}`,
      `Is on, says ${redfish.fake.url.host}`,
    ]);
    const other = "0".repeat(64);
    const settings = {
      driver: "redfish",
      url: url(),
      certificateSha256: other.replace(/(..)(?=.)/g, "$1:").toUpperCase(),
    };
    await server.request(`/v1/machines/${id}`, { method: "PATCH", body: { power: settings } });
    await switchTo(id, "off");
    expect((await timeline(id)).at(-1)).toBe(
      `Cannot switch off: The certificate of ${redfish.fake.url.host} has the fingerprint ${redfish.fake.fingerprint}, not ${other}; pin the new one if the certificate was replaced`,
    );
    expect(redfish.fake.system.power).toBe("On");
  });

  it("trusts no unknown certificate, and names its fingerprint", async () => {
    const { id } = await registerRedfish();
    await switchTo(id, "on");
    expect((await timeline(id)).at(-1)).toContain(`compare its fingerprint ${redfish.fake.fingerprint}`);
    expect(redfish.fake.logins).toBe(0);
  });

  it("reports a failure in the controller's words, and the password nowhere", async () => {
    const password = "wr0ng-password";
    const { id } = await registerRedfish({ certificateSha256: redfish.fake.fingerprint, password });
    await switchTo(id, "on");
    expect((await timeline(id)).at(-1)).toBe(
      `Cannot switch on: ${redfish.fake.url.host} answered 401: There is no user sprout/***. (Base.1.12.NoValidSession); check user and password`,
    );
    const audit = await server.clusters.store.audit({ after: 0, limit: 10 });
    const everything = JSON.stringify([await read(id), await server.clusters.store.machine(id), audit, server.log]);
    expect(everything).toContain("Cannot switch on");
    expect(everything).not.toContain("wr0ng");
  });

  it("sends a wrong password in no later action, until credentials are set again", async () => {
    const pinned = { driver: "redfish", url: url(), certificateSha256: redfish.fake.fingerprint };
    const { id } = await register({ ...pinned, ...credentials, password: "wr0ng-password" });
    await switchTo(id, "on");
    await server.request(`/v1/machines/${id}`, { method: "PATCH", body: { power: pinned } });
    await switchTo(id, "on");
    expect((await timeline(id)).at(-1)).toBe(
      `Cannot switch on: ${redfish.fake.url.host} refused this user and password before, so nothing was sent; set them again`,
    );
    expect(redfish.fake.wrongPasswords).toBe(2);
    await server.request(`/v1/machines/${id}`, { method: "PATCH", body: { power: { ...pinned, ...credentials } } });
    await switchTo(id, "on");
    expect((await timeline(id)).at(-1)).toBe(`Is on, says ${redfish.fake.url.host}`);
  });

  it("asks the operator if the machine is switched by hand", async () => {
    const { id } = await register({ driver: "manual" });
    await switchTo(id, "cycle");
    expect(await timeline(id)).toEqual(["Asked by api to switch off and on", "Switch the machine off and on again"]);
  });

  it("opens the boot window of a cluster's machine, once it is off, and of no other", async () => {
    const { id } = await registerRedfish({ certificateSha256: redfish.fake.fingerprint });
    await switchTo(id, "network-boot");
    expect((await server.clusters.store.machine(id))?.bootWindow).toBeNull();
    const machine = (await server.clusters.store.machine(id))!;
    const assignment = {
      clusterId: "c-aaaaaaaaaaaaaaaa",
      member: "w.test",
      allocation: "a-aaaaaaaaaaaaaaaa",
      install: false,
      installedAt: null,
    };
    await server.clusters.store.commit({ machines: [{ ...machine, state: "assigned", assignment }] });
    await switchTo(id, "off");
    expect((await server.clusters.store.machine(id))?.bootWindow).toBeNull();
    await switchTo(id, "cycle");
    const openedAt = server.clock.now();
    expect((await server.clusters.store.machine(id))?.bootWindow).toEqual({
      openedAt,
      closesAt: openedAt + 900_000,
      issuedAt: null,
    });
  });

  it.for([
    "http://169.254.169.254/redfish/v1",
    "https://2852039166/redfish/v1",
    "http://0xa9.0376.43518/redfish/v1",
    "http://169.254.169.254./redfish/v1",
    "https://[::ffff:169.254.169.254]/redfish/v1",
    "https://[fe80::1]:8443/redfish/v1",
  ])("refuses %s, which is link-local", async (address) => {
    const body = { macs: ["52:54:00:aa:00:01"], power: { driver: "redfish", url: address } };
    const { errors } = problemOf(await server.request("/v1/machines", { body }), "400 invalid-request");
    expect(errors).toEqual([
      {
        pointer: "/power/url",
        detail: "Expected a URL outside the link-local addresses 169.254.0.0/16 and fe80::/10",
      },
    ]);
  });

  it("refuses an unknown action, and two ways to trust a certificate", async () => {
    const { id } = await registerRedfish();
    const before = await read(id);
    expect(refusal(await switchTo(id, "explode"))).toBe("400 invalid-request");
    expect(refusal(await switchTo("m-bbbbbbbbbbbbbbbb", "on"))).toBe("404 not-found");
    const body = { driver: "redfish", url: url(), trustOnFirstUse: true, certificateSha256: "ab" };
    const answer = await server.request(`/v1/machines/${id}`, { method: "PATCH", body: { power: body } });
    expect(problemOf(answer, "400 invalid-request").errors).toEqual([
      {
        pointer: "/power/certificateSha256",
        detail: "Expected the SHA-256 fingerprint of a certificate, 64 hexadecimal digits",
      },
      { pointer: "/power", detail: "Expected at most one of certificateSha256, ca and trustOnFirstUse" },
    ]);
    expect(await read(id)).toEqual(before);
  });
});
