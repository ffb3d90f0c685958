import { afterEach, expect, test } from "vitest";
import { credentials, openRedfish, quickTiming, type RedfishUnderTest } from "../../../test/fixtures/redfish-driver.ts";
import { createRedfishDriver } from "./redfish-driver.ts";
import type { CertificateTrust } from "./trusted-socket.ts";

let under: RedfishUnderTest;
afterEach(() => under.destroy());

const signal = () => AbortSignal.timeout(10_000);
const failToRemember = () => Promise.reject(new Error("The store is away"));
const driverWith = (trust: CertificateTrust) =>
  createRedfishDriver({ url: under.fake.url, credentials, trust, timing: quickTiming });

test("a certificate that nobody vouches for gets nothing, and its fingerprint is shown", async () => {
  under = await openRedfish();
  await expect(driverWith({ kind: "authority" }).on(signal())).rejects.toMatchObject({
    code: "untrusted",
    message: `Cannot switch on: The certificate of ${under.fake.url.host} is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE); compare its fingerprint ${under.fake.fingerprint} at the controller and pin it`,
  });
  expect([under.fake.requests, under.fake.logins]).toEqual([[], 0]);
});

test("another certificate than the pinned one gets nothing", async () => {
  under = await openRedfish();
  const sha256 = "0".repeat(64);
  await expect(driverWith({ kind: "fingerprint", sha256 }).on(signal())).rejects.toMatchObject({
    code: "untrusted",
    message: `Cannot switch on: The certificate of ${under.fake.url.host} has the fingerprint ${under.fake.fingerprint}, not ${sha256}; pin it anew if it was replaced`,
  });
  expect([under.fake.requests, under.fake.logins]).toEqual([[], 0]);
});

test("an authority of one's own is enough", async () => {
  under = await openRedfish();
  const driver = driverWith({ kind: "authority", ca: under.ca });
  expect(await driver.state(signal())).toBe("off");
  await driver.close();
});

test("the first certificate is remembered before anything is sent", async () => {
  under = await openRedfish();
  const seen: unknown[] = [];
  const remember = async (sha256: string) => void seen.push([sha256, under.fake.logins]);
  const driver = driverWith({ kind: "first-use", remember });
  expect(await driver.state(signal())).toBe("off");
  expect(seen).toEqual([[under.fake.fingerprint, 0]]);
  await driver.close();
});

test("a first certificate that cannot be remembered gets nothing", async () => {
  under = await openRedfish();
  await expect(driverWith({ kind: "first-use", remember: failToRemember }).on(signal())).rejects.toThrow(
    "The store is away",
  );
  expect(under.fake.logins).toBe(0);
});
