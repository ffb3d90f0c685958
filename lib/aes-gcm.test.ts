import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openAesGcm, sealAesGcm } from "./aes-gcm.ts";

const key = randomBytes(32);
const [plaintext, context] = [Buffer.from("a cluster's key"), Buffer.from("cluster c-1")];

describe("sealAesGcm", () => {
  it("returns bytes that open with the same key and associated data", () => {
    expect(openAesGcm(key, sealAesGcm(key, plaintext, context), context)).toEqual(plaintext);
  });

  it("never returns the same bytes twice", () => {
    expect(sealAesGcm(key, plaintext, context)).not.toEqual(sealAesGcm(key, plaintext, context));
  });

  it("refuses a key of another length", () => {
    expect(() => sealAesGcm(key.subarray(1), plaintext, context)).toThrow("Invalid key length");
  });
});

describe("openAesGcm", () => {
  const sealed = sealAesGcm(key, plaintext, context);

  it("refuses another key and other associated data", () => {
    expect(() => openAesGcm(randomBytes(32), sealed, context)).toThrow("unable to authenticate data");
    expect(() => openAesGcm(key, sealed, Buffer.from("cluster c-2"))).toThrow("unable to authenticate data");
  });

  it("refuses a change of any byte: nonce, tag or ciphertext", () => {
    for (const index of sealed.keys()) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(() => openAesGcm(key, changed, context)).toThrow("unable to authenticate data");
    }
  });

  it("refuses every truncation", () => {
    for (const length of sealed.keys())
      expect(() => openAesGcm(key, sealed.subarray(0, length), context)).toThrow(
        /unable to authenticate data|Invalid (authentication tag|initialization vector|IV)/i,
      );
  });
});
