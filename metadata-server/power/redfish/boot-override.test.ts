import { describe, expect, it } from "vitest";
import { refused } from "../../../test/fakes/fake-redfish-system.ts";
import { redfishPerTest } from "../../../test/fixtures/redfish-driver.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => patientSignal();
const patches = () => under.fake.requests.filter(({ method }) => method === "PATCH");

describe("overrideNextBoot", () => {
  it("does not send the mode if the controller keeps it, or has it read-only", async () => {
    await open({ mode: "read-only" });
    await under.driver.bootFromNetwork(signal());
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  });

  it("sends the mode if the controller falls back to legacy without it", async () => {
    await open({ mode: "required" });
    await under.driver.bootFromNetwork(signal());
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
    expect(patches()).toHaveLength(2);
  });

  it("refuses a controller that answers 200 and changes nothing", async () => {
    await open();
    const ok = { kind: "answer", status: 200, body: {} } as const;
    under.fake.faults.set("PATCH /redfish/v1/Systems/1", [ok, ok]);
    await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot boot over the network: ${under.fake.url.host} accepted the request, but its next boot is still None, Disabled, UEFI`,
    });
  });

  it.for(["required", "strong"] as const)(
    "sends the ETag as a controller expects it whose If-Match is %s",
    async (ifMatch) => {
      await open({ ifMatch });
      await under.driver.bootFromNetwork(signal());
      expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
    },
  );

  it("retries after another client changed the resource", async () => {
    await open({ ifMatch: "required" });
    under.fake.faults.set("PATCH /redfish/v1/Systems/1", [{ kind: "answer", status: 412 }]);
    await under.driver.bootFromNetwork(signal());
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  });

  it("sets the next boot in the settings resource if there is one", async () => {
    await open({ hasSettings: true });
    await under.driver.bootFromNetwork(signal());
    expect(patches().map(({ path }) => path)).toEqual(["/redfish/v1/Systems/1/SD"]);
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  });

  it("leaves a machine off that cannot boot over the network", async () => {
    await open({ bootTargets: ["None", "Hdd"] });
    await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({
      code: "unsupported",
      message: `Cannot boot over the network: ${under.fake.url.host} cannot boot from Pxe once, only from None, Hdd`,
    });
    expect([patches(), under.fake.system.boots]).toEqual([[], []]);
  });

  it("boots over the network if the controller keeps the override for every boot, and says so", async () => {
    await open({ override: "continuous" });
    expect(await under.driver.bootFromNetwork(signal())).toEqual({
      kind: "done",
      detail: `Boots over the network, now and at every boot from now on, because its controller knows no override for one boot, says ${under.fake.url.host}`,
    });
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  });

  it.for(["free", "read-only"] as const)(
    "boots over the network if the controller refused the override but has it, mode %s",
    async (mode) => {
      await open({ override: "refused", mode });
      await under.driver.bootFromNetwork(signal());
      expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
    },
  );

  it("reports the refusal if the override was not set", async () => {
    await open();
    const refusal = { kind: "answer", ...refused(400, "Oem.1.0.No", "No\nsuch thing.") } as const;
    under.fake.faults.set("PATCH /redfish/v1/Systems/1", [refusal, refusal]);
    await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot boot over the network: ${under.fake.url.host} answered 400: No such thing. (Oem.1.0.No)`,
    });
    expect(under.fake.system.boots).toEqual([]);
  });

  it("sets the override on a running machine if it cannot be switched off", async () => {
    await open({ power: "On", resetTypes: ["On", "ForceRestart"] });
    await under.driver.bootFromNetwork(signal());
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  });
});
