import { afterEach, describe, expect, it } from "vitest";
import { credentials, openRedfish, quickTiming, type RedfishUnderTest } from "../../../test/fixtures/redfish-driver.ts";
import { createRedfishDriver } from "./redfish-driver.ts";
import type { CertificateTrust } from "./trusted-socket.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";

let under: RedfishUnderTest;
afterEach(() => under.destroy());

const signal = () => patientSignal();
const failToRemember = () => Promise.reject(new Error("The store is away"));
const driverWith = (trust: CertificateTrust) =>
  createRedfishDriver({ url: under.fake.url, credentials, trust, timing: quickTiming });

describe("connectTrusted", () => {
  it("sends nothing to an untrusted certificate, and reports its fingerprint", async () => {
    under = await openRedfish();
    await expect(driverWith({ kind: "authority" }).on(signal())).rejects.toMatchObject({
      code: "untrusted",
      message: `Cannot switch on: The certificate of ${under.fake.url.host} is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE); compare its fingerprint ${under.fake.fingerprint} at the controller and pin it`,
    });
    expect([under.fake.requests, under.fake.logins]).toEqual([[], 0]);
  });

  it("sends nothing to another certificate than the pinned one", async () => {
    under = await openRedfish();
    const sha256 = "0".repeat(64);
    await expect(driverWith({ kind: "fingerprint", sha256 }).on(signal())).rejects.toMatchObject({
      code: "untrusted",
      message: `Cannot switch on: The certificate of ${under.fake.url.host} has the fingerprint ${under.fake.fingerprint}, not ${sha256}; pin the new one if the certificate was replaced`,
    });
    expect([under.fake.requests, under.fake.logins]).toEqual([[], 0]);
  });

  it("trusts a custom authority", async () => {
    under = await openRedfish();
    const driver = driverWith({ kind: "authority", ca: under.ca });
    expect(await driver.state(signal())).toBe("off");
    await driver.close();
  });

  it("remembers the first certificate before it sends anything", async () => {
    under = await openRedfish();
    const seen: unknown[] = [];
    const remember = async (sha256: string) => void seen.push([sha256, under.fake.logins]);
    const driver = driverWith({ kind: "first-use", remember });
    expect(await driver.state(signal())).toBe("off");
    expect(seen).toEqual([[under.fake.fingerprint, 0]]);
    await driver.close();
  });

  it("sends nothing if the first certificate cannot be remembered", async () => {
    under = await openRedfish();
    await expect(driverWith({ kind: "first-use", remember: failToRemember }).on(signal())).rejects.toThrow(
      "The store is away",
    );
    expect(under.fake.logins).toBe(0);
  });
});
