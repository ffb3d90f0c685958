import { afterEach, expect, test } from "vitest";
import { openRedfish, type RedfishUnderTest } from "../../../test/fixtures/redfish-driver.ts";

let under: RedfishUnderTest;
const open = async (...options: Parameters<typeof openRedfish>) => {
  under = await openRedfish(...options);
  return under;
};
afterEach(() => under.destroy());

const signal = () => AbortSignal.timeout(10_000);
const patches = () => under.fake.requests.filter(({ method }) => method === "PATCH");
test("UEFI or legacy is not sent where the controller keeps it by itself, or has it read-only", async () => {
  await open({ mode: "read-only" });
  await under.driver.bootFromNetwork(signal());
  expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
});

test("UEFI is sent where the controller falls back to legacy without it", async () => {
  await open({ mode: "required" });
  await under.driver.bootFromNetwork(signal());
  expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  expect(patches()).toHaveLength(2);
});

test("a controller that says yes and changes nothing is found out", async () => {
  await open();
  const ok = { kind: "answer", status: 200, body: {} } as const;
  under.fake.faults.set("PATCH /redfish/v1/Systems/1", [ok, ok]);
  await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({
    code: "rejected",
    message: `Cannot boot over the network: ${under.fake.url.host} took the request, but its next boot is still None, Disabled, UEFI`,
  });
});

test.for(["required", "strong"] as const)(
  "a controller whose If-Match is %s gets the ETag as it wants it",
  async (ifMatch) => {
    await open({ ifMatch });
    await under.driver.bootFromNetwork(signal());
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  },
);

test("a change from elsewhere between reading and writing is no failure", async () => {
  await open({ ifMatch: "required" });
  under.fake.faults.set("PATCH /redfish/v1/Systems/1", [{ kind: "answer", status: 412 }]);
  await under.driver.bootFromNetwork(signal());
  expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
});

test("a settings resource is where the next boot is set", async () => {
  await open({ hasSettings: true });
  await under.driver.bootFromNetwork(signal());
  expect(patches().map(({ path }) => path)).toEqual(["/redfish/v1/Systems/1/SD"]);
  expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
});

test("a machine that cannot boot over the network is left off", async () => {
  await open({ bootTargets: ["None", "Hdd"] });
  await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({
    code: "unsupported",
    message: `Cannot boot over the network: ${under.fake.url.host} cannot boot Pxe once, only None, Hdd`,
  });
  expect([patches(), under.fake.system.boots]).toEqual([[], []]);
});

test("where a machine cannot be switched off, the override is set while it runs", async () => {
  await open({ power: "On", resetTypes: ["On", "ForceRestart"] });
  await under.driver.bootFromNetwork(signal());
  expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
});
