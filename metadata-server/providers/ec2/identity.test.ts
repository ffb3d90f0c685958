import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { FakeInstance } from "../../../test/fakes/fake-ec2-instance.ts";
import { createFakeRegion } from "../../../test/fixtures/ec2-identity.ts";
import { doubtIdentity } from "./identity.ts";

const region = createFakeRegion();
const otherRegion = createFakeRegion("us-east-1");
const keys = [new X509Certificate(region.certificate).publicKey];
const instance = {
  id: "i-0123456789abcdef0",
  accountId: "123456789012",
  zone: "eu-west-1a",
  imageId: "ami-0a1b2c3d4e5f60718",
  instanceType: "m6i.large",
  address: "172.31.0.10",
  launchedAt: Date.parse("2026-11-27T12:00:00.000Z"),
} as FakeInstance;
const launched = {
  id: instance.id,
  address: instance.address,
  mac: "02:00:00:00:00:01",
  description: "m6i.large in eu-west-1a",
  identity: {
    accountId: instance.accountId,
    region: "eu-west-1",
    instanceId: instance.id,
    imageId: instance.imageId,
    privateIp: instance.address,
    launchTime: "2026-11-27T12:00:00.000Z",
  },
};

describe("doubtIdentity", () => {
  it("returns undefined for the document of the launched instance", () => {
    expect(doubtIdentity(launched, region.identityOf(instance), keys)).toBeUndefined();
  });

  it("accepts a signature of any of the region's certificates", () => {
    const both = [new X509Certificate(otherRegion.certificate).publicKey, ...keys];
    expect(doubtIdentity(launched, region.identityOf(instance), both)).toBeUndefined();
  });

  it.each([
    ["accountId", "999999999999", "account 999999999999 instead of 123456789012"],
    ["region", "us-east-1", "region us-east-1 instead of eu-west-1"],
    ["instanceId", "i-0fedcba9876543210", "instance i-0fedcba9876543210 instead of i-0123456789abcdef0"],
    ["imageId", "ami-0fedcba9876543210", "image ami-0fedcba9876543210 instead of ami-0a1b2c3d4e5f60718"],
    ["privateIp", "172.31.0.11", "private address 172.31.0.11 instead of 172.31.0.10"],
    ["pendingTime", "2026-11-26T12:00:00Z", "launched at 2026-11-26T12:00:00Z instead of 2026-11-27T12:00:00.000Z"],
  ])("returns both values if %s differs", (field, value, reason) => {
    expect(doubtIdentity(launched, region.identityOf(instance, { [field]: value }), keys)).toBe(
      `its instance-identity document says ${reason}`,
    );
  });

  it("doubts a caller without a document", () => {
    expect(doubtIdentity(launched, undefined, keys)).toBe("it shows no instance-identity document");
  });

  const unsigned = "its instance-identity document has no signature of this region's certificates";
  it("doubts a document that was changed after it was signed", () => {
    const { document, signature } = region.identityOf(instance);
    const changed = document.replace("m6i.large", "m6i.metal");
    expect(doubtIdentity(launched, { document: changed, signature }, keys)).toBe(unsigned);
  });

  it.each(["", "AAAA", "not base64"])("doubts a document with the signature %j", (signature) => {
    const { document } = region.identityOf(instance);
    expect(doubtIdentity(launched, { document, signature }, keys)).toBe(unsigned);
  });

  it("doubts a document that another region signed", () => {
    expect(doubtIdentity(launched, otherRegion.identityOf(instance), keys)).toBe(unsigned);
  });
});
