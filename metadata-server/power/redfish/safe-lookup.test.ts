import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { openRedfish, quickTiming } from "../../../test/fixtures/redfish-driver.ts";
import { createRedfishDriver } from "./redfish-driver.ts";

const signal = () => AbortSignal.timeout(10_000);

/** Every name leads to these addresses. */
const resolveTo =
  (...addresses: string[]): LookupFunction =>
  (_host, { all }, done) => {
    const found = addresses.map((address): LookupAddress => ({ address, family: address.includes(":") ? 6 : 4 }));
    if (all) done(null, found);
    else done(null, found[0]!.address, found[0]!.family);
  };

const open = (url: string, lookup?: LookupFunction) => {
  const driver = createRedfishDriver({
    url: new URL(url),
    trust: { kind: "authority" },
    timing: quickTiming,
    ...(lookup && { lookup }),
  });
  onTestFinished(() => driver.close());
  return driver;
};

describe("createSafeLookup", () => {
  it.for([
    ["http://bmc17/redfish/v1", ["169.254.169.254"], "169.254.169.254"],
    ["https://bmc17/redfish/v1", ["fe80::1"], "fe80::1"],
    ["https://bmc17/redfish/v1", ["127.0.0.1", "::ffff:169.254.169.254"], "::ffff:169.254.169.254"],
  ] as const)("refuses %s if it leads to %j", async ([url, addresses, named]) => {
    await expect(open(url, resolveTo(...addresses)).on(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot switch on: bmc17 leads to ${named}, a link-local address; nothing was sent there; set the controller's own address`,
    });
  });

  it.for(["http://169.254.169.254/redfish/v1", "https://[fe80::1]/redfish/v1"])(
    "refuses %s of an older record",
    async (url) => {
      await expect(open(url).on(signal())).rejects.toThrow(/^Cannot switch on: .* is a link-local address;/);
    },
  );

  it("connects to a name that leads elsewhere", async () => {
    const under = await openRedfish();
    onTestFinished(() => under.destroy());
    const driver = createRedfishDriver({
      url: new URL(`https://bmc17:${under.fake.url.port}/redfish/v1/Systems/1`),
      credentials: { username: "sprout", password: "s3cret-of-the-controller" },
      trust: { kind: "fingerprint", sha256: under.fake.fingerprint },
      timing: quickTiming,
      lookup: resolveTo("127.0.0.1"),
    });
    expect(await driver.state(signal())).toBe("off");
    await driver.close();
  });
});
