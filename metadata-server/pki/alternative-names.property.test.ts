// oxlint-disable-next-line import/no-unassigned-import -- in Node 26, toLegacyObject before it leaves node:tls without functions
import "node:tls";
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeAlternativeNames, isDnsName, toAlternativeNames } from "./alternative-names.ts";
import { createAuthority, dayMs, issueCertificate } from "./certificate.ts";
import { loadIssuer } from "./issuer.ts";

const now = Date.parse("2026-01-02T03:04:05.000Z");
const authority = loadIssuer(createAuthority({ subject: { commonName: "ca" }, now, notAfter: now + 10 * dayMs }));
const issue = (hosts: string[]) =>
  new X509Certificate(
    issueCertificate(
      {
        subject: { commonName: "server" },
        now,
        notAfter: now + dayMs,
        usages: ["server"],
        alternativeNames: toAlternativeNames(hosts),
      },
      authority,
    ).certificate,
  );
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));

describe("issueCertificate, for any names and addresses", () => {
  it("certifies every given name and address, and no other", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(name, fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 8 }),
        name,
        fc.ipV4(),
        (hosts, otherName, otherAddress) => {
          const certificate = issue(hosts);
          const holds = (host: string) =>
            (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
          expect(hosts.filter((host) => !holds(host))).toEqual([]);
          if (!hosts.includes(otherName)) expect(holds(otherName)).toBe(false);
          if (!hosts.includes(otherAddress)) expect(holds(otherAddress)).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("refuses text that is neither a name nor an address", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!/^(\*\.)?[a-z0-9.-]+$/i.test(text) && isIP(text) === 0);
        expect(() => encodeAlternativeNames(toAlternativeNames([text]))).toThrow(`"${text}" is not a DNS name`);
      }),
    );
  });

  it("keeps any subject, letter by letter", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), (commonName) => {
        fc.pre(!/\p{Cc}/u.test(commonName));
        const request = { subject: { commonName }, now, notAfter: now + dayMs, usages: ["client"] as const };
        const { certificate } = issueCertificate(request, authority);
        expect(new X509Certificate(certificate).toLegacyObject().subject).toMatchObject({ CN: commonName });
      }),
      { numRuns: 60 },
    );
  });
});

describe("isDnsName", () => {
  it("accepts exactly the names that can be certified", () => {
    const texts = fc.oneof(fc.domain(), fc.stringMatching(/^[a-z0-9.-]{1,70}(\.(0x)?[0-9a-f]{0,3})?$/));
    fc.assert(
      fc.property(texts, (text) => {
        const encode = () => encodeAlternativeNames({ dnsNames: [text], addresses: [] });
        if (isDnsName(text)) encode();
        else expect(encode).toThrow("is not a DNS name");
      }),
    );
  });

  it.each([
    ["42.example", true],
    ["7.rack.example", true],
    ["rack.42x", true],
    ["rack.42", false],
    ["rack.0x2a", false],
    ["42", false],
  ])("judges %s by its last label alone: %s", (text, expected) => {
    expect(isDnsName(text)).toBe(expected);
  });
});
