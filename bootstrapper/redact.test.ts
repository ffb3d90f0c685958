import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pem } from "../test/fixtures/node-documents.ts";
import { createRedactor } from "./redact.ts";

const key = pem("EC PRIVATE KEY", "k".repeat(120));

describe("createRedactor", () => {
  it.each([
    [`key:\n${pem("EC PRIVATE KEY", "k")}end`, "key:\n[private key]\nend"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIcut", "[private key]"],
    [JSON.stringify({ key: pem("EC PRIVATE KEY", "k") }), String.raw`{"key":"[private key]\n"}`],
    ["kubeadm join a:6443 --token abcdef.0123456789abcdef", "kubeadm join a:6443 --token [token]"],
    ["--certificate-key 0123456789abcdef0123", "--certificate-key [redacted]"],
    [
      "[upload-certs] Using certificate key:\n0123456789abcdef0123",
      "[upload-certs] Using certificate key:\n[redacted]",
    ],
    ["Authorization: Bearer abc.def-1", "Authorization: Bearer [redacted]"],
    ["Authorization: Basic YWRtaW46aHVudGVyMg==", "Authorization: Basic [redacted]"],
    ["client-key-data: TFMwdEx=", "client-key-data: [redacted]"],
    [`data: ${Buffer.from(key).toString("base64")}`, "data: [private key]"],
    ["sprout.capability=abc_-9 quiet", "sprout.capability=[redacted] quiet"],
    [`{"reportToken":"${"r".repeat(43)}"}`, '{"reportToken":"[redacted]"}'],
    ["token = eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2ln", "token = [redacted]"],
    ["got eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2ln", "got [token]"],
    ["aws_secret=AKIA1234", "aws_secret=[redacted]"],
  ])("removes the secret from %j", (text, expected) => {
    expect(createRedactor()(text)).toBe(expected);
  });

  it.each([
    "Cannot get report token: the server refused with status 409 (Already claimed)",
    `ca: ${Buffer.from(pem("CERTIFICATE", "c".repeat(120))).toString("base64")}`,
    "discovery-token-ca-cert-hash sha256:0123456789abcdef",
    "registry.k8s.io/kube-apiserver:v1.37.2",
    "node03.build126.test (render, 12 s ago)",
  ])("leaves %j, which is no secret", (text) => {
    expect(createRedactor()(text)).toBe(text);
  });

  it("removes known values, and leaves certificates and hashes", () => {
    const text = `${pem("CERTIFICATE", "c")} sha256:0123456789abcdef mysecretvalue`;
    expect(createRedactor(["mysecretvalue"])(text)).toBe(text.replace("mysecretvalue", "[redacted]"));
  });

  it("leaves nothing of a known value, in any form, in any text", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
    const form = fc.constantFrom<(value: string) => string>(
      (value) => value,
      encodeURIComponent,
      (value) => JSON.stringify(value),
      (value) => Buffer.from(value).toString("base64"),
      (value) => Buffer.from(value).toString("base64url"),
      (value) => Buffer.from(value).toString("hex"),
    );
    fc.assert(
      fc.property(fc.string(), secret, form, fc.string(), (before, value, toForm, after) => {
        const redacted = createRedactor([value])(before + toForm(value) + after);
        expect(redacted).not.toContain(value);
        expect(redacted).not.toContain(toForm(value));
      }),
    );
  });

  it("leaves no line of a known key, even if a log shows it alone", () => {
    const [, line = ""] = pem("EC PRIVATE KEY", "k".repeat(40)).split("\n");
    expect(createRedactor([pem("EC PRIVATE KEY", "k".repeat(40))])(`E0102 ${line}`)).toBe("E0102 [redacted]");
  });
});
