import { describe, expect, it } from "vitest";
import { refused } from "../../../test/fakes/fake-redfish-system.ts";
import { credentials, quickTiming, redfishPerTest } from "../../../test/fixtures/redfish-driver.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => AbortSignal.timeout(10_000);
const system = "/redfish/v1/Systems/1";
const sessions = "/redfish/v1/SessionService/Sessions";
const wrong = { credentials: { ...credentials, password: "wr0ng-password" } };
const short = { timing: { ...quickTiming, actionTimeoutMs: 500, repeatMs: 1000 } };
const dell = refused(503, "IDRAC.2.1.RAC0218", "The maximum number of user sessions is reached.");

describe("Session at a controller that gives none", () => {
  it.for([
    ["503 and Dell's RAC0218", dell],
    ["400 and SessionLimitExceeded", refused(400, "Base.1.12.SessionLimitExceeded", "Full.")],
    ["403 and words under an unknown ID", refused(403, "Oem.1.0.X17", "There are too many sessions.")],
    ["400 and an HTML page", { status: 400, html: "<h1>Try later</h1>" }],
    ["503 and an HTML page", { status: 503, html: "<h1>Try later</h1>" }],
    ["500 without a body", { status: 500 }],
    [
      "401, because it knows basic authentication alone",
      refused(401, "Base.1.0.GeneralError", "Authorization required"),
    ],
    ["403, because the session service is off", refused(403, "Base.1.12.ServiceDisabled", "The service is off.")],
    ["405", { status: 405 }],
    ["501", { status: 501 }],
  ] as const)("uses basic authentication at once after a login that got %s", async ([, answer]) => {
    await open({ sessions: answer, power: "On" });
    await under.driver.off(signal());
    expect(under.fake.system.power).toBe("Off");
    expect(under.fake.logins).toBe(0);
  });

  it("logs in until a session is free if basic authentication is refused, and tries that once", async () => {
    await open({ sessions: 0, basic: "unknown" });
    under.fake.faults.set(
      `POST ${sessions}`,
      Array.from({ length: 3 }, () => ({ kind: "answer", ...dell }) as const),
    );
    const switched = under.driver.on(signal());
    await expect(switched).rejects.toMatchObject({ code: "unreachable" });
    expect(under.fake.basicRequests).toBe(1);
  });

  it("continues with the login once a session is free", async () => {
    await open({ basic: "unknown" });
    under.fake.faults.set(
      `POST ${sessions}`,
      Array.from({ length: 3 }, () => ({ kind: "answer", ...dell }) as const),
    );
    await under.driver.on(signal());
    expect([under.fake.basicRequests, under.fake.logins]).toEqual([1, 1]);
  });

  it("gets over a controller that restarts", async () => {
    await open();
    under.fake.faults.set(
      `POST ${sessions}`,
      [503, 503].map((status) => ({ kind: "answer", status }) as const),
    );
    under.fake.faults.set(
      `GET ${system}`,
      [503, 503].map((status) => ({ kind: "answer", status }) as const),
    );
    await under.driver.on(signal());
    expect(under.fake.logins).toBe(1);
  });
});

describe("Session with a wrong password", () => {
  it("sends it by one login and one request, and never again", async () => {
    let remembered = 0;
    await open({}, { ...wrong, rememberRefusal: async () => void (remembered += 1) });
    for (const message of [
      `${under.fake.url.host} answered 401: There is no user sprout/***. (Base.1.12.NoValidSession); check user and password`,
      `${under.fake.url.host} refused this user and password before, so nothing was sent; set them again`,
    ])
      await expect(under.driver.on(signal())).rejects.toMatchObject({
        code: "forbidden",
        message: `Cannot switch on: ${message}`,
      });
    expect([under.fake.wrongPasswords, remembered]).toEqual([2, 1]);
  });

  it("sends nothing if an earlier action was refused", async () => {
    await open({}, { ...wrong, wereRefused: true });
    await expect(under.driver.off(signal())).rejects.toMatchObject({ code: "forbidden" });
    expect(under.fake.wrongPasswords).toBe(0);
  });

  it("does not blame the password for a right session that is refused", async () => {
    await open();
    under.fake.faults.set(
      `GET ${system}`,
      Array.from({ length: 3 }, () => ({ kind: "answer", status: 401 }) as const),
    );
    await expect(under.driver.state(signal())).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringMatching(/answered 401; the controller refuses the session that it opened/) as string,
    });
  });

  it("asks for credentials if none are set", async () => {
    await open({}, { credentials: undefined });
    await expect(under.driver.state(signal())).rejects.toThrow(
      "the controller requires a user and a password, and none are set",
    );
  });
});

describe("Session.close", () => {
  it.for(["location", "other-host", "relative", "odata-id", "id"] as const)(
    "closes the session that the login named by its %s",
    async (sessionReference) => {
      await open({ sessionReference });
      await under.driver.on(signal());
      expect(under.fake.openSessions.size).toBe(1);
      await under.driver.close();
      expect(under.fake.openSessions.size).toBe(0);
    },
  );

  it("closes both sessions if the action had to log in twice", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 401 }]);
    await under.driver.on(signal());
    expect([under.fake.logins, under.fake.openSessions.size]).toEqual([2, 2]);
    await under.driver.close();
    expect(under.fake.openSessions.size).toBe(0);
  });

  it("closes the session of an action that failed, or reached its deadline", async () => {
    await open({ lag: Infinity }, short);
    await expect(under.driver.on(signal())).rejects.toMatchObject({ code: "unreachable" });
    await under.driver.close();
    expect(under.fake.openSessions.size).toBe(0);
  });

  it("closes a session that was opened after the deadline", async () => {
    await open({}, { timing: { ...quickTiming, actionTimeoutMs: 100 } });
    under.fake.faults.set(`POST ${sessions}`, [{ kind: "slow", delayMs: 300 }]);
    await expect(under.driver.on(signal())).rejects.toMatchObject({ code: "unreachable" });
    await under.driver.close();
    expect([under.fake.logins, under.fake.openSessions.size]).toEqual([1, 0]);
  });

  it("closes the session although the controller fails once", async () => {
    await open();
    await under.driver.state(signal());
    under.fake.faults.set(`DELETE ${sessions}/1`, [{ kind: "answer", status: 503 }]);
    await under.driver.close();
    expect(under.fake.openSessions.size).toBe(0);
  });
});
