import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { pem } from "../../test/fixtures/node-documents.ts";
import { discoverSource } from "./discover.ts";

const capability = "c".repeat(43);
const seed = { server: "https://10.77.255.254:8443", ca: pem("CERTIFICATE", "seed"), capability };

const { signal } = new AbortController();

async function createRoot(files: Record<string, string | Buffer>) {
  const root = await temporaryFolder("bootstrap");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const discoverSeed = async (text: string | Buffer) =>
  discoverSource({ root: await createRoot({ "etc/sprout/seed.json": text }), inContainer: false, signal });

describe("discoverSource with a seed file", () => {
  it("returns the seed that a provider writes", async () => {
    const { ca, ...rest } = seed;
    expect(await discoverSeed(JSON.stringify(seed))).toEqual({ name: "seed", ...rest, trust: { ca } });
  });

  it("lists every problem and quotes no value", async () => {
    const text = JSON.stringify({ server: "http://ms", ca: "no", capability: "tooshortsecret", extra: 1 });
    await expect(discoverSeed(text)).rejects.toThrow(
      "Cannot use seed /etc/sprout/seed.json: /server: Expected a URL with https://; /ca: Expected PEM; " +
        "/capability: Expected 256 bits in base64url; /extra: Unknown field",
    );
  });

  it.each([
    ["", "it is empty"],
    ['{"server": "htt', "it is truncated or not JSON"],
    ["<html></html>", "it is HTML, not JSON: another program answers there"],
    [Buffer.from('{"server": "Zürich"}', "latin1"), "it is not UTF-8 (byte FC on line 1); save it as UTF-8"],
    [Buffer.from("\ufeff{}", "utf16le"), "it is not UTF-8, such as UTF-16: save it as UTF-8"],
    [Buffer.from("{}", "utf16le"), "it holds NULs, as UTF-16 does: save it as UTF-8"],
    [Buffer.from([0x1f, 0x8b, 8, 0]), "it is compressed, not JSON: it must be plain"],
  ])("reports what %j is", async (text, reason) => {
    await expect(discoverSeed(text)).rejects.toThrow(`Cannot use seed /etc/sprout/seed.json: ${reason}`);
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

  it("uses the command line of the installation after a boot from the disk", async () => {
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
