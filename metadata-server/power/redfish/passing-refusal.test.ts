import { describe, expect, it } from "vitest";
import { refused } from "../../../test/fakes/fake-redfish-system.ts";
import { quickTiming, redfishPerTest } from "../../../test/fixtures/redfish-driver.ts";
import { toRefusal } from "./failure.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => AbortSignal.timeout(10_000);
const system = "/redfish/v1/Systems/1";
const reset = `${system}/Actions/ComputerSystem.Reset`;
const answer = (given: ReturnType<typeof refused>) => ({ kind: "answer", ...given }) as const;

describe("RedfishClient at a controller that is not ready", () => {
  it.for([
    ["400 and Dell's SWC0700", refused(400, "IDRAC.2.8.SWC0700", "The controller is not ready.")],
    ["409 and SWC0700 without a registry", refused(409, "SWC0700", "The controller is not ready.")],
    ["400 and ServiceTemporarilyUnavailable", refused(400, "Base.1.0.ServiceTemporarilyUnavailable", "Retry.")],
    ["409 and Retry-After", { status: 409, headers: { "retry-after": "0" } }],
    ["200 without a body", { status: 200 }],
    ["200 and an HTML page", { status: 200, html: "<h1>Starting</h1>" }],
    ["204", { status: 204 }],
  ] as const)("asks again after a read that got %s", async ([, given]) => {
    await open();
    under.fake.faults.set(`GET ${system}`, [answer(given), answer(given)]);
    expect(await under.driver.state(signal())).toBe("off");
    expect(under.fake.faults.get(`GET ${system}`)).toEqual([]);
  });

  it("asks again after a read whose body is truncated", async () => {
    await open();
    under.fake.faults.set(`GET ${system}`, [{ kind: "truncate" }]);
    expect(await under.driver.state(signal())).toBe("off");
  });

  it("reads a state without a body again right after a reset", async () => {
    await open();
    under.fake.faults.set(`POST ${reset}`, [{ kind: "truncate" }]);
    await under.driver.on(signal());
    under.fake.faults.set(`GET ${system}`, [{ kind: "answer", status: 200 }]);
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
    expect(under.fake.requests.filter(({ path }) => path === reset)).toHaveLength(1);
  });

  it("repeats a restart that was not done, and counts one whose answer is truncated as done", async () => {
    await open({ power: "On", resetTypes: ["On", "ForceRestart"] });
    const notReady = refused(400, "IDRAC.2.8.SWC0700", "The controller is not ready.");
    under.fake.faults.set(`POST ${reset}`, [answer(notReady), { kind: "truncate" }]);
    await under.driver.cycle(signal());
    expect(under.fake.system.boots).toHaveLength(1);
  });

  it("logs in again after 401 with a body that is truncated", async () => {
    await open({}, { timing: { ...quickTiming, actionTimeoutMs: 2000 } });
    under.fake.faults.set(`GET ${system}`, [{ kind: "truncate", status: 401 }]);
    expect(await under.driver.state(signal())).toBe("off");
    expect(under.fake.logins).toBe(2);
  });

  it("names the controller's words if it is not ready until the deadline", async () => {
    await open({}, { timing: { ...quickTiming, actionTimeoutMs: 200 } });
    const notReady = answer(refused(400, "IDRAC.2.8.SWC0700", "The controller is not ready."));
    under.fake.faults.set(
      `GET ${system}`,
      Array.from({ length: 100 }, () => notReady),
    );
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unreachable",
      message: `Cannot switch on within 0.2 s: ${under.fake.url.host} answered 400: The controller is not ready. (IDRAC.2.8.SWC0700)`,
    });
  });
});

describe("isPassing", () => {
  it.for([
    ["words of limits", { message: "limit ".repeat(150_000) }],
    ["words of sessions", { message: "session ".repeat(120_000) }],
    ["messages", { "@Message.ExtendedInfo": Array.from({ length: 60_000 }, (_, key) => ({ MessageId: `A.${key}` })) }],
  ] as const)("judges a megabyte of %s in little time", ([, error]) => {
    const before = process.threadCpuUsage();
    const { message } = toRefusal(
      { status: 400, headers: {}, body: { error } },
      { host: "bmc", secrets: ["s3cret"], advice: "" },
    );
    const { user, system: kernel } = process.threadCpuUsage(before);
    expect((user + kernel) / 1000).toBeLessThan(1000);
    expect(message.length).toBeLessThan(500);
  });
});
