import { describe, expect, it } from "vitest";
import { sessionsPath, toSessionPath } from "./session-path.ts";

describe("toSessionPath", () => {
  it.for([
    ["a path", "/redfish/v1/SessionService/Sessions/7", "/redfish/v1/SessionService/Sessions/7"],
    ["a URL at another address", "https://10.0.0.1/redfish/v1/Sessions/7", "/redfish/v1/Sessions/7"],
    ["the collection", `${sessionsPath}/`, undefined],
    ["a URL of another scheme", "data:/redfish/v1/Sessions/7", undefined],
    ["a URL that has no path", "x:y", undefined],
    ["no URL", "https://[", undefined],
    ["a megabyte of slashes", `/x${"/".repeat(1_000_000)}x`, undefined],
  ] as const)("returns the path of a session, if there is one, for %s", ([, location, path]) => {
    expect(toSessionPath({ status: 201, headers: { location }, body: undefined }, "https://bmc")).toBe(path);
  });

  it.for([
    ["7/8", `${sessionsPath}/7%2F8`],
    ["\ud800", undefined],
    [7, undefined],
  ] as const)("returns the path of a session that its body names %j", ([Id, path]) => {
    expect(toSessionPath({ status: 201, headers: {}, body: { Id } }, "https://bmc")).toBe(path);
  });
});
