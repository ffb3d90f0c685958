import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type SecretContext, createDataKey, openDataKey, openSecret, sealSecret } from "./sealing.ts";

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const context: SecretContext = {
  clusterId: "c-aaaaaaaaaaaaaaaa",
  member: "node01.a.test",
  capabilityHash: "hash",
  epoch: 1,
};
const plaintext = Buffer.from("-----BEGIN EC PRIVATE KEY-----");

describe("createDataKey and openDataKey", () => {
  it("opens a data key with the server key that sealed it", () => {
    const { key, sealed } = createDataKey([oldKey], "c-1");
    expect(openDataKey([oldKey], "c-1", sealed)).toEqual(key);
    expect(key).toHaveLength(32);
  });

  it("seals a data key by the first server key and opens it by any, so that keys can be rotated", () => {
    const before = createDataKey([oldKey], "c-1");
    const after = createDataKey([newKey, oldKey], "c-1");
    expect(openDataKey([newKey, oldKey], "c-1", before.sealed)).toEqual(before.key);
    expect(openDataKey([newKey], "c-1", after.sealed)).toEqual(after.key);
    expect(() => openDataKey([oldKey], "c-1", after.sealed)).toThrow(
      "Cannot open data key of c-1: none of the server's keys sealed it; add the one that did",
    );
  });

  it("opens no data key of another cluster", () => {
    const { sealed } = createDataKey([oldKey], "c-1");
    expect(() => openDataKey([oldKey], "c-2", sealed)).toThrow(
      "Cannot open data key of c-2: it was changed or belongs to another cluster",
    );
  });

  it.each([0, 8, 20, 36, -1])("opens no data key with a bit flipped in byte %i", (index) => {
    const bytes = Buffer.from(createDataKey([oldKey], "c-1").sealed, "base64url");
    const at = index < 0 ? bytes.length + index : index;
    bytes[at]! ^= 1;
    expect(() => openDataKey([oldKey], "c-1", bytes.toString("base64url"))).toThrow(/^Cannot open data key of c-1: /);
  });

  it.each([0, 4, 8, 20, 35])("opens no data key that is truncated to %i bytes", (length) => {
    const bytes = Buffer.from(createDataKey([oldKey], "c-1").sealed, "base64url").subarray(0, length);
    expect(() => openDataKey([oldKey], "c-1", bytes.toString("base64url"))).toThrow(/^Cannot open data key of c-1: /);
  });

  it("seals no data key without a server key, nor by one of another length", () => {
    expect(() => createDataKey([], "c-1")).toThrow("Cannot seal: there is no server key");
    expect(() => createDataKey([randomBytes(16)], "c-1")).toThrow("Invalid key length");
  });
});

describe("sealSecret and openSecret", () => {
  const dataKey = randomBytes(32);
  const refusal =
    "Cannot open secret of node01.a.test in c-aaaaaaaaaaaaaaaa: it was changed, or sealed by another key or for another context";

  it("opens a secret in its own context, and shows nothing of it in the sealed bytes", () => {
    const sealed = sealSecret(dataKey, plaintext, context);
    expect(openSecret(dataKey, sealed, context)).toEqual(plaintext);
    expect(Buffer.from(sealed).includes("PRIVATE")).toBe(false);
    expect(sealSecret(dataKey, plaintext, context)).not.toEqual(sealed);
  });

  it("seals and opens an empty secret", () => {
    expect(openSecret(dataKey, sealSecret(dataKey, Buffer.alloc(0), context), context)).toEqual(Buffer.alloc(0));
  });

  it.each<[string, Partial<SecretContext>]>([
    ["cluster", { clusterId: "c-bbbbbbbbbbbbbbbb" }],
    ["member", { member: "node02.a.test" }],
    ["owner: the cluster itself", { member: null }],
    ["capability", { capabilityHash: "other" }],
    ["state: without a capability", { capabilityHash: null }],
    ["member named null", { member: "null" }],
    ["epoch", { epoch: 2 }],
  ])("opens no secret in another %s", (_title, changes) => {
    const sealed = sealSecret(dataKey, plaintext, context);
    expect(() => openSecret(dataKey, sealed, { ...context, ...changes })).toThrow(/^Cannot open secret of /);
  });

  it("opens no secret with another cluster's data key", () => {
    const sealed = sealSecret(dataKey, plaintext, context);
    expect(() => openSecret(randomBytes(32), sealed, context)).toThrow(refusal);
  });

  it("opens no secret with any one bit flipped, nor truncated anywhere", () => {
    const sealed = Buffer.from(sealSecret(dataKey, plaintext, context));
    for (let at = 0; at < sealed.length; at += 1) {
      const flipped = Buffer.from(sealed);
      flipped[at]! ^= 0x80;
      expect(() => openSecret(dataKey, flipped, context)).toThrow(refusal);
      expect(() => openSecret(dataKey, sealed.subarray(0, at), context)).toThrow(refusal);
    }
  });

  it("refuses a data key of another length, and an epoch that is not a whole number", () => {
    expect(() => sealSecret(randomBytes(31), plaintext, context)).toThrow("Invalid key length");
    expect(() => sealSecret(dataKey, plaintext, { ...context, epoch: Number.NaN })).toThrow(
      "Cannot seal or open secret: epoch NaN is not a whole number",
    );
  });
});
