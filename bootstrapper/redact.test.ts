import { describe, expect, it } from "vitest";
import { pem } from "./fixtures.ts";
import { createRedactor } from "./redact.ts";

describe("createRedactor", () => {
  it.each([
    [`key:\n${pem("EC PRIVATE KEY", "k")}end`, "key:\n[private key]\nend"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIcut", "[private key]"],
    ["kubeadm join a:6443 --token abcdef.0123456789abcdef", "kubeadm join a:6443 --token [token]"],
    ["--certificate-key 0123abcd", "--certificate-key [redacted]"],
    ["Authorization: Bearer abc.def-1", "Authorization: Bearer [redacted]"],
    ["client-key-data: TFMwdEx=", "client-key-data: [redacted]"],
    ["sprout.capability=abc_-9 quiet", "sprout.capability=[redacted] quiet"],
  ])("takes the secret out of %j", (text, expected) => {
    expect(createRedactor()(text)).toBe(expected);
  });

  it("takes out values it was told of, and leaves certificates and hashes", () => {
    const text = `${pem("CERTIFICATE", "c")} sha256:0123456789abcdef mysecretvalue`;
    expect(createRedactor(["mysecretvalue"])(text)).toBe(text.replace("mysecretvalue", "[redacted]"));
  });
});
