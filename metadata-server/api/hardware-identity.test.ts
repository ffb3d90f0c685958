import { describe, expect, it } from "vitest";
import { FirmwareText, InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { Hardware } from "./node-metadata.ts";

const parsed = (schema: typeof SystemUuid | typeof InterfaceMac | typeof FirmwareText, text: string) => {
  const result = schema.safeParse(text);
  return result.success ? result.data : result.error.issues.map(({ message }) => message);
};

describe("What identifies hardware", () => {
  it.each([
    ["4C4C4544-0051-3010-8053-B6C04F4A4732", "4c4c4544-0051-3010-8053-b6c04f4a4732"],
    ["00000000-0000-0000-0000-ac1f6b123456", "00000000-0000-0000-0000-ac1f6b123456"],
    ["11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555"],
    ["00000000-0000-0000-0000-000000000000", null],
    ["FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", null],
  ])("takes the system UUID %s as %s", (text, uuid) => {
    expect(parsed(SystemUuid, text)).toBe(uuid);
  });

  it.each([
    "",
    "4c4c4544",
    "4c4c4544-0051-3010-8053-b6c04f4a473",
    "4c4c4544-0051-3010-8053-b6c04f4a4732\n",
    "not-a-uuid",
  ])("refuses the system UUID %j", (text) => {
    expect(parsed(SystemUuid, text)).toEqual(["must be a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732"]);
  });

  it("takes a node's UUID that no standard knows, as firmware has it", () => {
    const hardware = { macs: ["52:54:00:12:34:56"], uuid: "00000000-0000-0000-0000-ac1f6b123456" };
    expect(Hardware.parse(hardware)).toEqual(hardware);
  });

  it.each([
    ["52:54:00:AA:00:01", "52:54:00:aa:00:01"],
    ["52-54-00-aa-00-01", "52:54:00:aa:00:01"],
  ])("takes the MAC %s as %s", (text, mac) => {
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
    expect(parsed(InterfaceMac, text)).toEqual(["must be a MAC address such as 52:54:00:12:34:56"]);
  });

  it.each(["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"])("refuses %s, no interface's MAC", (text) => {
    expect(parsed(InterfaceMac, text)).toEqual(["must be the address of one interface, neither of a group nor zero"]);
  });

  it("takes firmware's texts as they are, but for what a terminal or a script would take for more", () => {
    expect(parsed(FirmwareText, " A&B %0a; <Größe> ")).toBe("A&B %0a; <Größe>");
    expect(parsed(FirmwareText, "  ")).toBeNull();
    expect(parsed(FirmwareText, "S1\nboot evil")).toEqual(["must have no control characters"]);
    expect(parsed(FirmwareText, "x".repeat(129))).toHaveLength(1);
  });
});
