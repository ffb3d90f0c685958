import { describe, expect, it } from "vitest";
import { credentials, openRedfish, quickTiming, redfishPerTest } from "../../../test/fixtures/redfish-driver.ts";
import type { PowerError } from "../power-error.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => patientSignal();
const system = "/redfish/v1/Systems/1";
const sessions = "/redfish/v1/SessionService/Sessions";
const once = (status: number, headers = {}) => ({ kind: "answer", status, headers }) as const;
const redirect = (location: string) => ({ kind: "answer", status: 308, headers: { location } }) as const;
const reads = () => under.fake.requests.filter(({ method }) => method === "GET").length;

describe("RedfishClient after a transient failure", () => {
  it.for([
    ["status 500", [once(500)]],
    ["status 503 three times", [once(503), once(503), once(503)]],
    ["status 429 with Retry-After", [once(429, { "retry-after": "0" })]],
    ["lost connections", [{ kind: "drop" } as const, { kind: "drop" } as const]],
    ["an answer that takes too long", [{ kind: "slow", delayMs: 1500 } as const]],
  ] as const)("retries after %s", async ([, faults]) => {
    await open();
    under.fake.faults.set(`GET ${system}`, [...faults]);
    expect(await under.driver.state(signal())).toBe("off");
    expect(under.fake.faults.get(`GET ${system}`)).toEqual([]);
  });

  it("waits as long as Retry-After asks", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [once(503, { "retry-after": "1" })]);
    const start = performance.now();
    expect(await under.driver.state(signal())).toBe("off");
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  it("succeeds if a switch was done but its answer was lost", async () => {
    await open();
    under.fake.faults.set(`POST ${system}/Actions/ComputerSystem.Reset`, [{ kind: "drop-answer" }]);
    expect(await under.driver.on(signal())).toMatchObject({ kind: "done" });
    expect(under.fake.system.power).toBe("On");
  });

  it("names a controller that is unreachable until the deadline, with the last error", async () => {
    await open({}, { timing: { ...quickTiming, actionTimeoutMs: 200 } });
    await under.fake.close();
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unreachable",
      message: `Cannot switch on within 0.2 s: ${under.fake.url.host} does not answer (connect ECONNREFUSED ${under.fake.url.host})`,
    });
  });
});

describe("RedfishClient after a permanent failure", () => {
  it.for([
    [400, "rejected"],
    [403, "forbidden"],
    [404, "rejected"],
    [501, "rejected"],
  ] as const)("does not retry status %d", async ([status, code]) => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status }]);
    await expect(under.driver.state(signal())).rejects.toMatchObject({ code });
    expect(reads()).toBe(0);
  });

  it("tries a wrong password once, and keeps it out of the message although the controller repeats it", async () => {
    await open({}, { credentials: { ...credentials, password: "wr0ng-password" } });
    const error: unknown = await under.driver.on(signal()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "forbidden",
      message: `Cannot switch on: ${under.fake.url.host} answered 401: There is no user sprout/***. (Base.1.12.NoValidSession); check user and password`,
    });
    expect(JSON.stringify([error, (error as PowerError).cause, (error as PowerError).stack])).not.toContain("wr0ng");
    expect(under.fake.requests).toEqual([]);
  });

  it("names an answer that is not a ComputerSystem", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200, body: { Actions: {} } }]);
    await expect(under.driver.state(signal())).rejects.toThrow(
      `Cannot read the power state: ${under.fake.url.host} sent an unexpected answer for ${system}: /Actions/#ComputerSystem.Reset: Expected an object`,
    );
  });

  it("refuses an endless answer", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200, body: "x".repeat(1024 * 1024) }]);
    await expect(under.driver.state(signal())).rejects.toThrow("the answer is larger than 1048576 bytes");
  });
});

describe("RedfishClient with sessions", () => {
  it("opens one session for everything that a driver does, and closes it", async () => {
    await open();
    await under.driver.cycle(signal());
    await under.driver.off(signal());
    expect(under.fake.logins).toBe(1);
    expect(under.fake.openSessions.size).toBe(1);
    await under.driver.close();
    expect(under.fake.openSessions.size).toBe(0);
  });

  it("opens a session again that was lost", async () => {
    await open();
    under.fake.faults.set(`POST ${system}/Actions/ComputerSystem.Reset`, [{ kind: "lose-sessions" }]);
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
    expect(under.fake.logins).toBe(2);
  });

  it.for(["none", "full"] as const)("uses HTTP basic authentication if the sessions are %s", async (kind) => {
    await open({ sessions: kind });
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
    expect(under.fake.logins).toBe(0);
  });

  it("retries a login after a transient failure", async () => {
    await open();
    under.fake.faults.set(`POST ${sessions}`, [{ kind: "answer", status: 500 }, { kind: "drop" }]);
    await under.driver.on(signal());
    expect(under.fake.logins).toBe(1);
  });
});

describe("RedfishClient with redirects", () => {
  it("follows a redirect to the same controller", async () => {
    await open({}, { path: "/" });
    under.fake.faults.set("GET /redfish/v1", [redirect("/redfish/v1/")]);
    expect(await under.driver.state(signal())).toBe("off");
  });

  it("stops an endless redirect", async () => {
    await open();
    const all = Array.from({ length: 10 }, () => redirect(system));
    under.fake.faults.set(`GET ${system}`, all);
    await expect(under.driver.state(signal())).rejects.toThrow("redirects more than 3 times");
  });

  it("refuses a redirect to what is no URL", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [redirect("https://[")]);
    await expect(under.driver.state(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot read the power state: ${under.fake.url.host} refers to no valid URL; nothing was sent there; if that is its right address, register that`,
    });
  });

  it("sends credentials to no other host, by a redirect or by a link", async () => {
    const other = await openRedfish();
    await open();
    under.fake.faults.set(`GET ${system}`, [redirect(new URL(system, other.fake.url).href)]);
    await expect(under.driver.state(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot read the power state: ${under.fake.url.host} refers to ${other.fake.url.origin}; nothing was sent there; if that is its right address, register that`,
    });
    const target = new URL(`${system}/Actions/ComputerSystem.Reset`, other.fake.url).href;
    const body = { PowerState: "Off", Actions: { "#ComputerSystem.Reset": { target } } };
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200, body }]);
    await expect(under.driver.on(signal())).rejects.toThrow(`refers to ${other.fake.url.origin}`);
    expect([other.fake.requests, other.fake.logins]).toEqual([[], 0]);
    await other.destroy();
  });
});
