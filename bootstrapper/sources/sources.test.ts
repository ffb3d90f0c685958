import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { pem } from "../fixtures.ts";
import { discoverSource } from "./discover.ts";
import { parseKernelCommandLine } from "./kernel-command-line.ts";
import { parseSeedFile } from "./seed-file.ts";

const capability = "c".repeat(43);
const seed = { server: "https://10.77.255.254:8443", ca: pem("CERTIFICATE", "seed"), capability };

const { signal } = new AbortController();

async function createRoot(files: Record<string, string>) {
  const root = await temporaryFolder("bootstrap");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

describe("parseKernelCommandLine", () => {
  it("finds nothing where there is no sprout.*", () => {
    expect(parseKernelCommandLine("quiet root=/dev/vda1\n")).toBeUndefined();
  });

  it("leaves to the initrd what it fetches its root by", () => {
    const ofInitrd = `sprout.do=install sprout.disk-gib=8 sprout.root=http://ms/disk.squashfs sprout.root-sha512=${"b".repeat(128)} sprout.report=http://ms`;
    const caSha256 = "a".repeat(64);
    expect(parseKernelCommandLine(`quiet ${ofInitrd}\n`)).toBeUndefined();
    const own = `sprout.server=https://ms sprout.capability=${capability} sprout.ca-sha256=${caSha256}`;
    expect(parseKernelCommandLine(`${own} ${ofInitrd}\n`)).toEqual({ server: "https://ms", capability, caSha256 });
  });

  it("reads server, capability and the authority's DER", async () => {
    const { ca } = await createServerTls(await temporaryFolder("bootstrap"));
    const der = new X509Certificate(ca).raw.toString("base64url");
    expect(
      parseKernelCommandLine(`quiet sprout.server=https://ms:8443 sprout.ca=${der} sprout.capability=${capability}\n`),
    ).toEqual({ server: "https://ms:8443", capability, ca });
  });

  it("reads which interface takes part in the cluster, where another one boots", () => {
    const own = `sprout.server=https://ms sprout.capability=${capability}`;
    const mac = "52:54:00:aa:00:02";
    expect(parseKernelCommandLine(`${own} sprout.cluster-mac=${mac}`)).toEqual({
      server: "https://ms",
      capability,
      mac,
    });
    expect(() => parseKernelCommandLine(`${own} sprout.cluster-mac=eth1`)).toThrow("sprout.cluster-mac ");
  });

  it.each([
    ["sprout.server=http://ms", ["sprout.server must be", "sprout.capability must be"]],
    [`sprout.server=https://ms sprout.capability=${capability}x`, ["sprout.capability must be"]],
    [`sprout.server=https://ms sprout.capability=${capability} sprout.ca=AAAA`, ["sprout.ca must be a certificate"]],
    [`sprout.server=https://ms sprout.capability=${capability} sprout.ca-sha256=AB`, ["sprout.ca-sha256 must be 64"]],
    [`sprout.server=https://ms sprout.capability=${capability} sprout.serve=x`, ["sprout.serve is unknown"]],
    [
      `sprout.server=https://a sprout.server=https://b sprout.capability=${capability}`,
      ["sprout.server is given twice"],
    ],
  ])("refuses %s with every problem", (text, problems) => {
    for (const problem of problems) expect(() => parseKernelCommandLine(text)).toThrow(problem);
  });
});

describe("parseSeedFile", () => {
  it("accepts the seed a provider writes", () => {
    expect(parseSeedFile(JSON.stringify(seed), "seed.json")).toEqual(seed);
  });

  it("lists every problem and quotes no value", () => {
    const text = JSON.stringify({ server: "http://ms", ca: "no", capability: "tooshortsecret", extra: 1 });
    expect(() => parseSeedFile(text, "seed.json")).toThrow(
      "Cannot use seed seed.json: /server: must be the server's https:// URL; /ca: must be PEM; " +
        "/capability: must be 256 bits in base64url; /extra: unknown field",
    );
  });

  it.each([
    ["", "it is empty"],
    ['{"server": "htt', "it is cut short or not JSON"],
    ["<html></html>", "it is HTML, not JSON: something else answers there"],
  ])("says what %j is", (text, reason) => {
    expect(() => parseSeedFile(text, "seed.json")).toThrow(`Cannot use seed seed.json: ${reason}`);
  });
});

describe("discoverSource", () => {
  const commandLine = `sprout.server=https://ms sprout.capability=${capability} sprout.ca-sha256=${"a".repeat(64)}`;

  it("prefers the seed, and the image's own pin over the seed's", async () => {
    const root = await createRoot({
      "etc/sprout/seed.json": JSON.stringify(seed),
      "etc/sprout/ca.crt": "image pin",
      "proc/cmdline": commandLine,
    });
    expect(await discoverSource({ root, inContainer: false, signal })).toEqual({
      name: "seed",
      server: seed.server,
      capability,
      trust: { ca: "image pin" },
    });
  });

  it("trusts the image's pin rather than the hash on the command line", async () => {
    const root = await createRoot({ "etc/sprout/ca.crt": "image pin", "proc/cmdline": commandLine });
    expect(await discoverSource({ root, inContainer: false, signal })).toMatchObject({ trust: { ca: "image pin" } });
  });

  it("finds after a boot from the disk what the command line said when it was installed", async () => {
    const root = await createRoot({
      "etc/sprout/kernel-command-line": `BOOTIF=01-52-54-00-aa-00-01 ${commandLine} `,
      "proc/cmdline": "console=ttyS0,115200 quiet sprout.do=disk",
    });
    expect(await discoverSource({ root, inContainer: false, signal })).toMatchObject({
      server: "https://ms",
      capability,
    });
    await expect(discoverSource({ root, inContainer: true, signal })).rejects.toThrow("Cannot find a data source");
  });

  it("does not read the host's command line in a container", async () => {
    const root = await createRoot({ "proc/cmdline": commandLine });
    expect(await discoverSource({ root, inContainer: false, signal })).toMatchObject({
      trust: { caSha256: "a".repeat(64) },
    });
    await expect(discoverSource({ root, inContainer: true, signal })).rejects.toThrow("Cannot find a data source");
  });

  it("refuses a server without any pin", async () => {
    const root = await createRoot({ "proc/cmdline": `sprout.server=https://ms sprout.capability=${capability}` });
    await expect(discoverSource({ root, inContainer: false, signal })).rejects.toThrow(
      "Cannot trust https://ms: no authority is pinned",
    );
  });
});
