import { expect, test } from "vitest";
import { createAuthority, dayMs, issueCertificate } from "./certificate.ts";
import { now } from "./fixtures.ts";
import { loadIssuer } from "./issuer.ts";

const create = () => createAuthority({ subject: { commonName: "kubernetes" }, now, notAfter: now + dayMs });
const authority = create();

test.each([
  ["a truncated certificate", { ...authority, certificate: authority.certificate.slice(0, 200) }],
  ["a truncated key", { ...authority, key: authority.key.slice(0, 100) }],
  ["an empty key", { ...authority, key: "" }],
  ["certificate and key in each other's place", { certificate: authority.key, key: authority.certificate }],
])("loadIssuer refuses %s", (_title, damaged) => {
  expect(() => loadIssuer(damaged)).toThrow("Cannot use authority: its PEM is damaged");
});

test("loadIssuer refuses another authority's key", () => {
  expect(() => loadIssuer({ ...authority, key: create().key })).toThrow(
    "Cannot use authority: its key does not match its certificate",
  );
});

test("loadIssuer refuses a node's certificate", () => {
  const request = { subject: { commonName: "node01" }, usages: ["client" as const], now, notAfter: now + dayMs };
  expect(() => loadIssuer(issueCertificate(request, loadIssuer(authority)))).toThrow(
    "Cannot use authority: its certificate is not one of a certificate authority",
  );
});
