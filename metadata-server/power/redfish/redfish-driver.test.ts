import { describe, expect, it } from "vitest";
import { quickTiming, redfishPerTest, type RedfishUnderTest } from "../../../test/fixtures/redfish-driver.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => patientSignal();
const system = "/redfish/v1/Systems/1";
const reset = `${system}/Actions/ComputerSystem.Reset`;
const resetsOf = ({ fake }: Pick<RedfishUnderTest, "fake">) =>
  fake.requests.filter(({ path }) => path === reset).map(({ body }) => body);
const patchesOf = ({ fake }: Pick<RedfishUnderTest, "fake">) =>
  fake.requests.filter(({ method }) => method === "PATCH").map(({ path, body }) => ({ path, body }));

describe("createRedfishDriver: power", () => {
  it("switches a machine off, sets it to boot over the network once, and switches it on", async () => {
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

  it("asks once for a power state that lags, and waits for it", async () => {
    await open({ lag: 5 });
    await under.driver.on(signal());
    expect(resetsOf(under)).toEqual([{ ResetType: "On" }]);
    expect(await under.driver.state(signal())).toBe("on");
  });

  it("waits for the state if a controller refuses what is done already and still shows the old state", async () => {
    await open({ power: "On", lag: 3 });
    under.fake.system.power = "Off";
    await under.fake.system.reset({ ResetType: "On" });
    await under.driver.on(signal());
    expect(resetsOf(under)).toEqual([{ ResetType: "On" }]);
  });

  it("reports a refusal in the controller's words if the state does not follow", async () => {
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

  it("repeats a request that was accepted but not done", async () => {
    await open();
    under.fake.faults.set(`POST ${reset}`, [{ kind: "answer", status: 204 }]);
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
  });

  it("sends only reset types that the controller accepts, even if a separate resource lists them", async () => {
    await open({ resetTypes: ["ForceOn", "ForceOff"], hasActionInfo: true });
    await under.driver.cycle(signal());
    expect(resetsOf(under)).toEqual([{ ResetType: "ForceOn" }]);
    await open({ resetTypes: ["PushPowerButton"] });
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unsupported",
      message: `Cannot switch on: ${under.fake.url.host} accepts no On or ForceOn, only PushPowerButton`,
    });
  });

  it("restarts a machine that cannot be switched off, and only once if the answer is lost", async () => {
    await open({ power: "On", resetTypes: ["On", "ForceRestart"] });
    await under.driver.cycle(signal());
    under.fake.faults.set(`POST ${reset}`, [{ kind: "drop-answer" }]);
    await expect(under.driver.cycle(signal())).rejects.toMatchObject({ code: "unreachable" });
    expect(resetsOf(under)).toEqual([{ ResetType: "ForceRestart" }, { ResetType: "ForceRestart" }]);
  });

  it("ends at the deadline with the last state", async () => {
    await open({ lag: Infinity }, { timing: { ...quickTiming, actionTimeoutMs: 400, repeatMs: 1000 } });
    await expect(under.driver.on(signal())).rejects.toMatchObject({
      code: "unreachable",
      message: `Cannot switch on within 0.4 s: ${under.fake.url.host} was asked, but its PowerState was Off when it last answered`,
    });
  });

  it("ends when the signal aborts, with its reason", async () => {
    await open({ lag: Infinity });
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    const switched = under.driver.on(controller.signal);
    setTimeout(() => controller.abort(reason), 100);
    await expect(switched).rejects.toBe(reason);
  });
});

describe("createRedfishDriver: system", () => {
  it("finds the only system of a controller without a path", async () => {
    await open({ systems: ["System.Embedded.1"] }, { path: "/" });
    await under.driver.on(signal());
    expect(under.fake.system.power).toBe("On");
  });

  it("refuses to guess among several systems", async () => {
    await open({ systems: ["A", "B"] }, { path: "/redfish/v1/" });
    await expect(under.driver.on(signal())).rejects.toThrow(
      `Cannot switch on: ${under.fake.url.host} has 2 systems (/redfish/v1/Systems/A, /redfish/v1/Systems/B); give the URL of one of its systems`,
    );
    expect(under.fake.system.power).toBe("Off");
  });

  it("names a path that has no system", async () => {
    await open({}, { path: "/redfish/v1/Systems/9" });
    await expect(under.driver.on(signal())).rejects.toThrow(
      /answered 404: There is no resource at \/redfish\/v1\/Systems\/9\. \(Base\.1\.12\.ResourceMissingAtURI\); check the path of the URL$/,
    );
  });
});
