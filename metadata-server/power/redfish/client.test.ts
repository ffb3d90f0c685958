import { afterEach, describe, expect, test } from "vitest";
import { credentials, openRedfish, quickTiming, type RedfishUnderTest } from "../../../test/fixtures/redfish-driver.ts";
import type { PowerError } from "../power-error.ts";

let under: RedfishUnderTest;
const open = async (...options: Parameters<typeof openRedfish>) => {
  under = await openRedfish(...options);
  return under;
};
afterEach(() => under.destroy());

const signal = () => AbortSignal.timeout(10_000);
const system = "/redfish/v1/Systems/1";
const sessions = "/redfish/v1/SessionService/Sessions";
const once = (status: number, headers = {}) => ({ kind: "answer", status, headers }) as const;
const redirect = (location: string) => ({ kind: "answer", status: 308, headers: { location } }) as const;
const reads = () => under.fake.requests.filter(({ method }) => method === "GET").length;

describe("failures that pass", () => {
  test.for([
    ["500, then fine", [once(500)]],
    ["503 again and again", [once(503), once(503), once(503)]],
    ["429 with Retry-After", [once(429, { "retry-after": "0" })]],
    ["connections that are cut", [{ kind: "drop" } as const, { kind: "drop" } as const]],
    ["an answer that takes too long", [{ kind: "slow", delayMs: 1500 } as const]],
  ] as const)("%s", async ([, faults]) => {
    await open();
    under.fake.faults.set(`GET ${system}`, [...faults]);
    expect(await under.driver.state(signal())).toBe("off");
    expect(under.fake.faults.get(`GET ${system}`)).toEqual([]);
  });

  test("Retry-After is waited for", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [once(503, { "retry-after": "1" })]);
    const start = performance.now();
    expect(await under.driver.state(signal())).toBe("off");
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  test("a switch that was done although its answer was lost is not taken for a failure", async () => {
    await open();
    under.fake.faults.set(`POST ${system}/Actions/ComputerSystem.Reset`, [{ kind: "drop-answer" }]);
    expect(await under.driver.on(signal())).toMatchObject({ kind: "done" });
    expect(under.fake.system.power).toBe("On");
  });

  test("a controller that is away until the deadline is named, with what happened last", async () => {
    await open({}, { timing: { ...quickTiming, actionTimeoutMs: 200 } });
    await under.fake.close();
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unreachable",
      message: `Cannot switch on within 0.2 s: ${under.fake.url.host} does not answer (connect ECONNREFUSED ${under.fake.url.host})`,
    });
  });
});

describe("failures that do not", () => {
  test.for([
    [400, "rejected"],
    [403, "forbidden"],
    [404, "rejected"],
    [501, "rejected"],
  ] as const)("%d is not repeated", async ([status, code]) => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status }]);
    await expect(under.driver.state(signal())).rejects.toMatchObject({ code });
    expect(reads()).toBe(0);
  });

  test("a wrong password is tried once, and is in no message although the controller repeats it", async () => {
    await open({}, { credentials: { ...credentials, password: "wr0ng-password" } });
    const error: unknown = await under.driver.on(signal()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "forbidden",
      message: `Cannot switch on: ${under.fake.url.host} answered 401: There is no user sprout/***. (Base.1.12.NoValidSession); check user and password`,
    });
    expect(JSON.stringify([error, (error as PowerError).cause, (error as PowerError).stack])).not.toContain("wr0ng");
    expect(under.fake.requests).toEqual([]);
  });

  test("an answer that is no ComputerSystem is named", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200, body: { Actions: {} } }]);
    await expect(under.driver.state(signal())).rejects.toThrow(
      `Cannot read the power state: ${under.fake.url.host} answers for ${system} with something else than expected at Actions/#ComputerSystem.Reset`,
    );
  });

  test("an answer without end is not read to its end", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200, body: "x".repeat(1024 * 1024) }]);
    await expect(under.driver.state(signal())).rejects.toThrow("its answer is larger than 1 MiB");
  });
});

describe("sessions", () => {
  test("one session for all that a driver does, and it is ended", async () => {
    await open();
    await under.driver.cycle(signal());
    await under.driver.off(signal());
    expect(under.fake.logins).toBe(1);
    expect(under.fake.openSessions.size).toBe(1);
    await under.driver.close();
    expect(under.fake.openSessions.size).toBe(0);
  });

  test("a session that is lost in the middle is opened again", async () => {
    await open();
    under.fake.faults.set(`POST ${system}/Actions/ComputerSystem.Reset`, [{ kind: "lose-sessions" }]);
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
    expect(under.fake.logins).toBe(2);
  });

  test.for(["none", "full"] as const)("where the sessions are %s, HTTP basic authentication is used", async (kind) => {
    await open({ sessions: kind });
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
    expect(under.fake.logins).toBe(0);
  });

  test("a login that fails for a moment is repeated", async () => {
    await open();
    under.fake.faults.set(`POST ${sessions}`, [{ kind: "answer", status: 500 }, { kind: "drop" }]);
    await under.driver.on(signal());
    expect(under.fake.logins).toBe(1);
  });
});

describe("redirects", () => {
  test("one at the controller itself is followed", async () => {
    await open({}, { path: "/" });
    under.fake.faults.set("GET /redfish/v1", [redirect("/redfish/v1/")]);
    expect(await under.driver.state(signal())).toBe("off");
  });

  test("one without end is ended", async () => {
    await open();
    const all = Array.from({ length: 10 }, () => redirect(system));
    under.fake.faults.set(`GET ${system}`, all);
    await expect(under.driver.state(signal())).rejects.toThrow("redirects without end");
  });

  test("credentials go nowhere else, by a redirect or by a link", async () => {
    const other = await openRedfish();
    await open();
    under.fake.faults.set(`GET ${system}`, [redirect(new URL(system, other.fake.url).href)]);
    await expect(under.driver.state(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot read the power state: ${under.fake.url.host} refers to ${other.fake.url.origin}; nothing is sent there: if that is its right address, register that`,
    });
    const target = new URL(`${system}/Actions/ComputerSystem.Reset`, other.fake.url).href;
    const body = { PowerState: "Off", Actions: { "#ComputerSystem.Reset": { target } } };
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200, body }]);
    await expect(under.driver.on(signal())).rejects.toThrow(`refers to ${other.fake.url.origin}`);
    expect([other.fake.requests, other.fake.logins]).toEqual([[], 0]);
    await other.destroy();
  });
});
