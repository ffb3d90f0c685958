import { expect, it } from "vitest";
import { createAuthority, dayMs, issueCertificate } from "./certificate.ts";
import { now } from "../../test/fixtures/authorities.ts";
import { loadIssuer } from "./issuer.ts";

const create = () => createAuthority({ subject: { commonName: "kubernetes" }, now, notAfter: now + dayMs });
const authority = create();

it.each([
  ["a truncated certificate", { ...authority, certificate: authority.certificate.slice(0, 200) }],
  ["a truncated key", { ...authority, key: authority.key.slice(0, 100) }],
  ["an empty key", { ...authority, key: "" }],
  ["certificate and key that are swapped", { certificate: authority.key, key: authority.certificate }],
])("loadIssuer refuses %s", (_title, damaged) => {
  expect(() => loadIssuer(damaged)).toThrow("Cannot use authority: its PEM is damaged");
});

it("loadIssuer refuses another authority's key", () => {
  expect(() => loadIssuer({ ...authority, key: create().key })).toThrow(
    "Cannot use authority: its key does not match its certificate",
  );
});

it("loadIssuer refuses a node's certificate", () => {
  const request = { subject: { commonName: "node01" }, usages: ["client" as const], now, notAfter: now + dayMs };
  expect(() => loadIssuer(issueCertificate(request, loadIssuer(authority)))).toThrow(
    "Cannot use authority: its certificate is not a certificate authority's",
  );
});
