import { afterEach, describe, expect, test } from "vitest";
import { openRedfish, quickTiming, type RedfishUnderTest } from "../../../test/fixtures/redfish-driver.ts";

let under: RedfishUnderTest;
const open = async (...options: Parameters<typeof openRedfish>) => {
  under = await openRedfish(...options);
  return under;
};
afterEach(() => under.destroy());

const signal = () => AbortSignal.timeout(10_000);
const system = "/redfish/v1/Systems/1";
const reset = `${system}/Actions/ComputerSystem.Reset`;
const resetsOf = ({ fake }: RedfishUnderTest) =>
  fake.requests.filter(({ path }) => path === reset).map(({ body }) => body);
const patchesOf = ({ fake }: RedfishUnderTest) =>
  fake.requests.filter(({ method }) => method === "PATCH").map(({ path, body }) => ({ path, body }));

describe("power", () => {
  test("a machine is switched off, set to boot over the network once, and switched on", async () => {
    const boots: boolean[] = [];
    const machine = {
      powerOn: async ({ overNetwork }: { overNetwork: boolean }) => void boots.push(overNetwork),
      powerOff: async () => undefined,
    };
    await open({ machine, power: "On" });
    await under.driver.bootFromNetwork(signal());
    await under.driver.cycle(signal());
    expect(resetsOf(under)).toEqual(["ForceOff", "On", "ForceOff", "On"].map((ResetType) => ({ ResetType })));
    expect(patchesOf(under)).toEqual([
      { path: system, body: { Boot: { BootSourceOverrideEnabled: "Once", BootSourceOverrideTarget: "Pxe" } } },
    ]);
    expect(boots).toEqual([true, false]);
  });

  test("a power state that lags is waited for, and asked for once", async () => {
    await open({ lagMs: 120 });
    await under.driver.on(signal());
    expect(resetsOf(under)).toEqual([{ ResetType: "On" }]);
    expect(await under.driver.state(signal())).toBe("on");
  });

  test("a controller that refuses what is so already, and still shows the old state, is taken at its state", async () => {
    await open({ power: "On", lagMs: 60 });
    under.fake.system.power = "Off";
    await under.fake.system.reset({ ResetType: "On" });
    await under.driver.on(signal());
    expect(resetsOf(under)).toEqual([{ ResetType: "On" }]);
  });

  test("a refusal that the state does not overtake is told in the controller's words", async () => {
    await open();
    const body = { error: { "@Message.ExtendedInfo": [{ MessageId: "Oem.1.0.Lid", Message: "The lid\nis open." }] } };
    under.fake.faults.set(`POST ${reset}`, [{ kind: "answer", status: 400, body }]);
    const { host } = under.fake.url;
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot switch on: ${host} answered 400: The lid is open. (Oem.1.0.Lid)`,
    });
    expect(under.fake.system.power).toBe("Off");
  });

  test("what was accepted and did not happen is asked for again", async () => {
    await open();
    under.fake.faults.set(`POST ${reset}`, [{ kind: "answer", status: 204 }]);
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
  });

  test("only what the controller takes is asked for, also where it says so in a resource of its own", async () => {
    await open({ resetTypes: ["ForceOn", "ForceOff"], hasActionInfo: true });
    await under.driver.cycle(signal());
    expect(resetsOf(under)).toEqual([{ ResetType: "ForceOn" }]);
    await under.destroy();
    await open({ resetTypes: ["PushPowerButton"] });
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unsupported",
      message: `Cannot switch on: ${under.fake.url.host} takes no On or ForceOn, only PushPowerButton`,
    });
  });

  test("where a machine cannot be switched off it is restarted, and never twice when the answer is lost", async () => {
    await open({ power: "On", resetTypes: ["On", "ForceRestart"] });
    await under.driver.cycle(signal());
    under.fake.faults.set(`POST ${reset}`, [{ kind: "drop-answer" }]);
    await expect(under.driver.cycle(signal())).rejects.toMatchObject({ code: "unreachable" });
    expect(resetsOf(under)).toEqual([{ ResetType: "ForceRestart" }, { ResetType: "ForceRestart" }]);
  });

  test("the deadline ends all of it, with what was last seen", async () => {
    await open({ lagMs: 60_000 }, { timing: { ...quickTiming, actionTimeoutMs: 400, repeatMs: 1000 } });
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unreachable",
      message: `Cannot switch on within 0.4 s: ${under.fake.url.host} was asked, but its PowerState was Off when it last answered`,
    });
  });

  test("the caller's signal ends all of it, with its own reason", async () => {
    await open({ lagMs: 60_000 });
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    const switched = under.driver.on(controller.signal);
    setTimeout(() => controller.abort(reason), 100);
    await expect(switched).rejects.toBe(reason);
  });
});

describe("system", () => {
  test("without a path, the only system of a controller is found", async () => {
    await open({ systems: ["System.Embedded.1"] }, { path: "/" });
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
  });

  test("with several systems none is guessed", async () => {
    await open({ systems: ["A", "B"] }, { path: "/redfish/v1/" });
    await expect(under.driver.on(signal())).rejects.toThrow(
      `Cannot switch on: ${under.fake.url.host} has 2 systems (/redfish/v1/Systems/A, /redfish/v1/Systems/B); give the URL of one of its systems`,
    );
    expect(under.fake.system.power).toBe("Off");
  });

  test("a path without a system is named", async () => {
    await open({}, { path: "/redfish/v1/Systems/9" });
    await expect(under.driver.on(signal())).rejects.toThrow(
      /answered 404: There is no resource at \/redfish\/v1\/Systems\/9\. \(Base\.1\.12\.ResourceMissingAtURI\); check the path of the URL$/,
    );
  });
});
