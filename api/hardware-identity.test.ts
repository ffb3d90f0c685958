import { describe, expect, it } from "vitest";
import { FirmwareText, InterfaceMac, isSameUuid, SystemUuid } from "./hardware-identity.ts";
import { Hardware } from "./node-metadata.ts";

const parsed = (schema: typeof SystemUuid | typeof InterfaceMac | typeof FirmwareText, text: string) => {
  const result = schema.safeParse(text);
  return result.success ? result.data : result.error.issues.map(({ message }) => message);
};

describe("Hardware identity", () => {
  it.each([
    ["4C4C4544-0051-3010-8053-B6C04F4A4732", "4c4c4544-0051-3010-8053-b6c04f4a4732"],
    ["00000000-0000-0000-0000-ac1f6b123456", "00000000-0000-0000-0000-ac1f6b123456"],
    ["11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555"],
    ["00000000-0000-0000-0000-000000000000", null],
    ["FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", null],
  ])("reads the system UUID %s as %s", (text, uuid) => {
    expect(parsed(SystemUuid, text)).toBe(uuid);
  });

  it.each([
    "",
    "4c4c4544",
    "4c4c4544-0051-3010-8053-b6c04f4a473",
    "4c4c4544-0051-3010-8053-b6c04f4a4732\n",
    "not-a-uuid",
  ])("refuses the system UUID %j", (text) => {
    expect(parsed(SystemUuid, text)).toEqual(["a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732"]);
  });

  it("accepts a node's UUID that RFC 9562 does not define", () => {
    const hardware = { macs: ["52:54:00:12:34:56"], uuid: "00000000-0000-0000-0000-ac1f6b123456" };
    expect(Hardware.parse(hardware)).toEqual(hardware);
  });

  it.each([
    ["52:54:00:AA:00:01", "52:54:00:aa:00:01"],
    ["52-54-00-aa-00-01", "52:54:00:aa:00:01"],
  ])("reads the MAC %s as %s", (text, mac) => {
    expect(parsed(InterfaceMac, text)).toBe(mac);
  });

  it.each([
    "",
    "52:54:00:aa:00",
    "52:54:00:aa:00:01:02",
    "52:54-00:aa:00:01",
    "525400aa0001",
    "52:54:00:aa:00:0g",
    "52%3A54",
  ])("refuses the MAC %j", (text) => {
    expect(parsed(InterfaceMac, text)).toEqual(["a MAC address such as 52:54:00:12:34:56"]);
  });

  it.each(["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"])(
    "refuses %s, which is no MAC of an interface",
    (text) => {
      expect(parsed(InterfaceMac, text)).toEqual(["the MAC address of one interface, neither of a group nor zero"]);
    },
  );

  it("keeps firmware's text, but refuses control characters", () => {
    expect(parsed(FirmwareText, " A&B %0a; <Größe> ")).toBe("A&B %0a; <Größe>");
    expect(parsed(FirmwareText, "  ")).toBeNull();
    expect(parsed(FirmwareText, "S1\nboot evil")).toEqual([
      "text of at most 128 characters without control characters",
    ]);
    expect(parsed(FirmwareText, "x".repeat(129))).toHaveLength(1);
  });
});

describe("isSameUuid", () => {
  const uuid = "2f6c1a90-7b3d-4e21-9a10-52540012aa01";

  it.each([uuid, uuid.toUpperCase(), "901a6c2f-3d7b-214e-9a10-52540012aa01", "901A6C2F-3D7B-214E-9A10-52540012AA01"])(
    "takes %s for the same machine",
    (other) => expect([isSameUuid(uuid, other), isSameUuid(other, uuid)]).toEqual([true, true]),
  );

  it.each([
    ["another last group", "2f6c1a90-7b3d-4e21-9a10-52540012aa02"],
    ["one reversed group alone", "901a6c2f-7b3d-4e21-9a10-52540012aa01"],
    ["every group reversed", "901a6c2f-3d7b-214e-109a-01aa12005452"],
  ])("takes %s for another machine", (_, other) => expect(isSameUuid(uuid, other)).toBe(false));
});
