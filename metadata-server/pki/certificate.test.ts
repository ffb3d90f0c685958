import { X509Certificate, createPrivateKey } from "node:crypto";
import { execa } from "execa";
import { assert, ipV4, ipV6, oneof, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { type CertificateRequest, createAuthority, dayMs, hourMs, issueCertificate } from "./certificate.ts";
import { now, opensslPrint, opensslVerify, toSecond } from "../../test/fixtures/authorities.ts";
import { loadIssuer } from "./issuer.ts";

const authority = createAuthority({ subject: { commonName: "kubernetes" }, now, notAfter: now + 90 * dayMs });
const issuer = loadIssuer(authority);
const request: CertificateRequest = {
  subject: { commonName: "system:node:node01.build126.test", organizations: ["system:nodes"] },
  usages: ["server"],
  alternativeNames: { dnsNames: ["node01.build126.test", "*.build126.test"], addresses: ["10.77.0.21", "::1"] },
  now,
  notAfter: now + 30 * dayMs,
};
const issue = (changes: Partial<CertificateRequest> = {}) => issueCertificate({ ...request, ...changes }, issuer);
const opensslTime = async (certificate: string) =>
  (await execa("openssl", ["asn1parse"], { input: certificate })).stdout.match(/(UTCTIME|GENERALIZEDTIME) +:\w+/g);

const subjectKeyIdentifier = async (certificate: string) =>
  (await opensslPrint(certificate, "-ext", "subjectKeyIdentifier")).split("\n")[1]!.trim();
const startOf = (changes?: Partial<CertificateRequest>) =>
  new X509Certificate(issue(changes).certificate).validFromDate.getTime();
const timesUntil = (notAfter: number) => opensslTime(issue({ now: Date.UTC(2026, 10, 21, 1), notAfter }).certificate);
const hexOf = (certificate: string) => new X509Certificate(certificate).raw.toString("hex");
const names = (dnsNames: string[], addresses: string[] = []) => ({ alternativeNames: { dnsNames, addresses } });

describe("issueCertificate", () => {
  it("writes every field that openssl knows, and no other extension", async () => {
    const { certificate } = issue();
    const text = await opensslPrint(certificate, "-text");
    const extensions = text.slice(
      text.indexOf("X509v3 extensions:"),
      text.indexOf("    Signature Algorithm: ecdsa", 400),
    );
    expect(await subjectKeyIdentifier(certificate)).toMatch(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/);
    expect(text).toContain("Version: 3 (0x2)");
    expect(text).toContain("Issuer: CN = kubernetes\n");
    expect(text).toContain("Subject: O = system:nodes, CN = system:node:node01.build126.test\n");
    expect(text).toContain("ASN1 OID: prime256v1");
    expect(
      extensions
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    ).toEqual([
      "X509v3 extensions:",
      "X509v3 Key Usage: critical",
      "Digital Signature",
      "X509v3 Extended Key Usage:",
      "TLS Web Server Authentication",
      "X509v3 Basic Constraints: critical",
      "CA:FALSE",
      "X509v3 Subject Alternative Name:",
      "DNS:node01.build126.test, DNS:*.build126.test, IP Address:10.77.0.21, IP Address:0:0:0:0:0:0:0:1",
      "X509v3 Subject Key Identifier:",
      await subjectKeyIdentifier(certificate),
      "X509v3 Authority Key Identifier:",
      await subjectKeyIdentifier(authority.certificate),
    ]);
  });

  it("certifies for the requested purpose only, and under its own authority only", async () => {
    const { certificate } = issue();
    const other = createAuthority({ subject: { commonName: "kubernetes" }, now, notAfter: now + dayMs });
    const ca = authority.certificate;
    await expect(opensslVerify(certificate, { ca, purpose: "sslserver" })).resolves.toBe("stdin: OK");
    await expect(opensslVerify(certificate, { ca, purpose: "sslclient" })).rejects.toThrow("certificate purpose");
    await expect(opensslVerify(certificate, { ca: other.certificate, purpose: "sslserver" })).rejects.toThrow(
      "unable to get local issuer certificate",
    );
  });

  it("returns the certified key, in SEC 1", () => {
    const { certificate, key } = issue();
    expect(key).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(issue().key))).toBe(false);
  });

  it("takes a random positive serial number of 128 bits", () => {
    const serials = Array.from({ length: 200 }, () => new X509Certificate(issue().certificate).serialNumber);
    expect(new Set(serials).size).toBe(200);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it("starts the validity one hour before now, or as long before as requested", () => {
    expect(startOf()).toBe(toSecond(now - hourMs));
    expect(startOf({ backdateMs: 30 * dayMs })).toBe(toSecond(now - 30 * dayMs));
  });

  it("writes times through 2049 as UTCTime and later ones as GeneralizedTime", async () => {
    expect(await timesUntil(Date.UTC(2049, 11, 31, 23, 59, 59))).toEqual([
      "UTCTIME           :261121000000Z",
      "UTCTIME           :491231235959Z",
    ]);
    expect(await timesUntil(Date.UTC(2050, 0, 1))).toEqual([
      "UTCTIME           :261121000000Z",
      "GENERALIZEDTIME   :20500101000000Z",
    ]);
  });

  it("keeps a name in any script, and both of two groups", async () => {
    const { certificate } = issue({ subject: { commonName: "žofie", organizations: ["a", "b"] } });
    expect(await opensslPrint(certificate, "-subject", "-nameopt", "utf8,sep_comma_plus_space")).toBe(
      "subject=O=a, O=b, CN=žofie",
    );
  });

  it("certifies any IPv4 and IPv6 address", () => {
    assert(
      property(oneof(ipV4(), ipV6()), (address) => {
        const { certificate } = issue({ alternativeNames: { dnsNames: [], addresses: [address] } });
        expect(new X509Certificate(certificate).checkIP(address)).toBe(address);
      }),
      { numRuns: 100 },
    );
  });
});

describe("createAuthority", () => {
  it("creates a self-signed certificate that may sign others", async () => {
    const text = await opensslPrint(authority.certificate, "-ext", "keyUsage,basicConstraints", "-subject", "-issuer");
    expect(text).toContain("Digital Signature, Certificate Sign");
    expect(text).toContain("CA:TRUE");
    expect(text).toContain("subject=CN = kubernetes\nissuer=CN = kubernetes");
    const x509 = new X509Certificate(authority.certificate);
    expect(x509.verify(x509.publicKey)).toBe(true);
  });

  it("counts the key usage's unused bits as Go requires, as issueCertificate does", () => {
    expect(hexOf(authority.certificate)).toContain("0603551d0f0101ff040403020284");
    expect(hexOf(issue().certificate)).toContain("0603551d0f0101ff040403020780");
  });
});

describe("Refusals of issueCertificate", () => {
  const cases: [string, Partial<CertificateRequest>, string][] = [
    [
      "an empty common name",
      { subject: { commonName: "" } },
      'for "": the subject has an empty part or a control character',
    ],
    [
      "an empty organisation",
      { subject: { commonName: "a", organizations: [""] } },
      'for "a": the subject has an empty part',
    ],
    [
      "a NUL in the common name",
      { subject: { commonName: "a\0b" } },
      "the subject has an empty part or a control character",
    ],
    ["no usage", { usages: [] }, "it has no usage"],
    ["a server without name and address", names([]), "a server needs a DNS name or an address"],
    ["an end before now", { notAfter: now - 1 }, "its validity must start after 1969"],
    ["an end that is not a number", { notAfter: Number.NaN }, "its validity must start after 1969"],
    ["an end after the year 9999", { notAfter: Date.UTC(10_000, 0) }, "its validity must start after 1969"],
    ["a start before 1970", { backdateMs: now + 1 }, "its validity must start after 1969"],
    ["an octet of 256", names([], ["10.77.0.256"]), '"10.77.0.256" is not an IP address'],
    ["an address among the names", names(["10.77.0.11"]), '"10.77.0.11" is not a DNS name'],
    ["a name among the addresses", names([], ["node01"]), '"node01" is not an IP address'],
    ["an address with a zone", names([], ["fe80::1%eth0"]), '"fe80::1%eth0" is not an IP address'],
    ["an empty DNS name", names([""]), '"" is not a DNS name'],
    ["a wildcard inside a DNS name", names(["a.*.test"]), '"a.*.test" is not a DNS name'],
    ["a label of 64 characters", names(["a".repeat(64)]), "is not a DNS name"],
    ["a DNS name of 254 characters", names([`${"a".repeat(62)}.`.repeat(4) + "aa"]), "is not a DNS name"],
    ["a DNS name with a space", names(["a b"]), '"a b" is not a DNS name'],
  ];
  it.each(cases)("refuses %s", (_title, changes, message) => {
    expect(() => issue(changes)).toThrow(message);
    expect(() => issue(changes)).toThrow(/^Cannot issue certificate for "/);
  });
});
