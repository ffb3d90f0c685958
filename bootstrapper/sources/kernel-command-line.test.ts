import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { parseKernelCommandLine } from "./kernel-command-line.ts";

const capability = "c".repeat(43);

describe("parseKernelCommandLine", () => {
  it("returns undefined without any sprout.*", () => {
    expect(parseKernelCommandLine("quiet root=/dev/vda1\n")).toBeUndefined();
  });

  it("ignores options that are for the initrd", () => {
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

  it("reads which interface joins the cluster if another one boots", () => {
    const own = `sprout.server=https://ms sprout.capability=${capability}`;
    const mac = "52:54:00:aa:00:02";
    expect(parseKernelCommandLine(`${own} sprout.cluster-mac=${mac}`)).toEqual({
      server: "https://ms",
      capability,
      mac,
    });
    expect(() => parseKernelCommandLine(`${own} sprout.cluster-mac=eth1`)).toThrow("sprout.cluster-mac: ");
  });

  it.each([
    ["sprout.server=http://ms", ["sprout.server: Expected", "sprout.capability: Expected"]],
    [`sprout.server=https://ms sprout.capability=${capability}x`, ["sprout.capability: Expected"]],
    [`sprout.server=https://ms sprout.capability=${capability} sprout.ca=AAAA`, ["sprout.ca: Expected a certificate"]],
    [`sprout.server=https://ms sprout.capability=${capability} sprout.ca-sha256=AB`, ["sprout.ca-sha256: Expected 64"]],
    [`sprout.server=https://ms sprout.capability=${capability} sprout.serve=x`, ["sprout.serve: Unknown option"]],
    [
      `sprout.server=https://ms sprout.capability=${capability} sprout.\u202e${"s".repeat(99)}=x`,
      [String.raw`sprout.\u202e${"s".repeat(38)}…: Unknown option`],
    ],
    [
      `sprout.server=https://a sprout.server=https://b sprout.capability=${capability}`,
      ["sprout.server: Expected one value"],
    ],
  ])("refuses %s with every problem", (text, problems) => {
    for (const problem of problems) expect(() => parseKernelCommandLine(text)).toThrow(problem);
  });
});
