import { describe, expect, it } from "vitest";
import { redfishPerTest } from "../../../test/fixtures/redfish-driver.ts";
import type { RedfishClient } from "./client.ts";
import { findSystem } from "./computer-system.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => AbortSignal.timeout(10_000);
const target = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
const withReset = (fields: object) => ({ Actions: { "#ComputerSystem.Reset": { target, ...fields } } });

describe("ComputerSystem with odd fields", () => {
  it.for([
    ["settings that are null", { "@Redfish.Settings": null }],
    ["settings without an object", { "@Redfish.Settings": { "@odata.type": "#Settings.v1_3_0.Settings" } }],
    ["settings that are a list", { "@Redfish.Settings": [] }],
    [
      "settings that are not there (404)",
      { "@Redfish.Settings": { SettingsObject: { "@odata.id": "/redfish/v1/none" } } },
    ],
    ["a null ETag", { "@odata.etag": null }],
    ["an ETag that is a number", { "@odata.etag": 7 }],
    ["reset types that are null", withReset({ "ResetType@Redfish.AllowableValues": null })],
    ["reset types that are a text", withReset({ "ResetType@Redfish.AllowableValues": "On" })],
    ["an action info that is null", withReset({ "@Redfish.ActionInfo": null })],
    ["an action info that is an object", withReset({ "@Redfish.ActionInfo": { "@odata.id": "/redfish/v1/none" } })],
    ["an action info that is not there", withReset({ "@Redfish.ActionInfo": "/redfish/v1/none" })],
  ] as const)("can be switched and booted over the network despite %s", async ([, fields]) => {
    await open({ fields });
    await under.driver.on(signal());
    await under.driver.off(signal());
    await under.driver.bootFromNetwork(signal());
    expect(under.fake.system.boots).toEqual(["None, UEFI", "Pxe, UEFI"]);
  });

  it.for([null, [], "none", { BootSourceOverrideMode: null, "BootSourceOverrideTarget@Redfish.AllowableValues": [1] }])(
    "can be switched on and off despite a boot that is %j",
    async (Boot) => {
      await open({ fields: { Boot } });
      await under.driver.on(signal());
      await under.driver.off(signal());
      expect(under.fake.system.boots).toHaveLength(1);
    },
  );

  it("has an unknown state if its PowerState is null", async () => {
    await open({ fields: { PowerState: null } });
    expect(await under.driver.state(signal())).toBe("unknown");
  });

  it("cannot be switched without the target of its reset", async () => {
    await open({ fields: { Actions: { "#ComputerSystem.Reset": { target: null } } } });
    await expect(under.driver.on(signal())).rejects.toThrow(
      "sent an unexpected answer for /redfish/v1/Systems/1: /Actions/#ComputerSystem.Reset/target: Expected",
    );
  });

  it("takes what is usable of an action info", async () => {
    const info = "/redfish/v1/Systems/1/ResetActionInfo";
    await open({ fields: withReset({ "@Redfish.ActionInfo": info }), resetTypes: ["ForceOn", "ForceOff"] });
    const body = { Parameters: [null, { Name: 7 }, { Name: "ResetType", AllowableValues: ["ForceOn", "ForceOff"] }] };
    under.fake.faults.set(
      `GET ${info}`,
      Array.from({ length: 9 }, () => ({ kind: "answer", status: 200, body }) as const),
    );
    await under.driver.on(signal());
    expect(under.fake.requests.filter(({ path }) => path === target).map(({ body: sent }) => sent)).toEqual([
      { ResetType: "ForceOn" },
    ]);
  });
});

describe("findSystem", () => {
  it("judges a list of 300,000 wrong systems by its beginning", async () => {
    const body = { Systems: { "@odata.id": "/redfish/v1/Systems" }, Members: Array(300_000).fill(1) };
    const client = { host: "bmc", call: async () => ({ status: 200, headers: {}, body }) } as unknown as RedfishClient;
    const before = process.threadCpuUsage();
    const found = findSystem(client, { url: new URL("https://bmc"), signal: signal() });
    await expect(found).rejects.toThrow("/Members/99: Expected an object, got 1");
    await expect(found).rejects.not.toThrow("/Members/100:");
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});
