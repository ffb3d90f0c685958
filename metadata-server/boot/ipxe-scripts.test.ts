import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKernelCommandLine } from "../../bootstrapper/sources/kernel-command-line.ts";
import { bootScript, renderDiskBoot, renderImageBoot, renderWait, toIpxeText } from "./ipxe-scripts.ts";

const machine = { mac: "52:54:00:aa:00:01", uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732", serial: "SN-1" };
const assetsUrl = "http://192.0.2.1:8080/assets/v1.37.2";
const forBootstrapper = {
  server: "https://192.0.2.1:8443",
  "ca-sha256": "cd".repeat(32),
  capability: "x".repeat(43),
};
const boot = {
  lines: ["node01.build126.sprout.internal of cluster build126"],
  assetsUrl,
  bootInterface: "52:54:00:aa:00:01",
  settings: {
    do: "install",
    "disk-gib": 1000,
    root: `${assetsUrl}/disk.squashfs`,
    "root-sha512": "ab".repeat(64),
    report: "http://192.0.2.1:8080/machine-reports",
    ...forBootstrapper,
  },
};

describe("An iPXE script", () => {
  it("sends what the firmware reports, texts as hexadecimal", () => {
    expect(bootScript.startsWith("#!ipxe\n")).toBe(true);
    // eslint-disable-next-line no-template-curly-in-string -- iPXE's own
    expect(bootScript).toContain("/ipxe?mac=${netX/mac:hexhyp}&uuid=${uuid}&serial-hex=${serial:hexraw}&");
  });

  it("shows the machine's identity and why it waits, and asks again", () => {
    expect(renderWait(machine, { lines: ["It waits"], seconds: 10 })).toBe(
      [
        "#!ipxe",
        "echo",
        "echo Sprout: It waits",
        "echo MAC 52:54:00:aa:00:01",
        "echo UUID 4c4c4544-0051-3010-8053-b6c04f4a4732",
        "echo Serial SN-1",
        "echo Asking again in 10 s",
        "sleep 10",
        ":ask",
        "chain --replace --autofree /boot.ipxe || sleep 5",
        "goto ask",
        "",
      ].join("\n"),
    );
  });

  it("gives the bootstrapper a kernel command line that it parses, within the kernel's 2,048 bytes", () => {
    const [, commandLine = ""] = /^kernel \S+ (.*) \|\| goto failed$/m.exec(renderImageBoot(boot)) ?? [];
    expect(commandLine.length).toBeLessThan(2000);
    expect(commandLine).toContain(" BOOTIF=01-52-54-00-aa-00-01 ");
    const { server, capability, "ca-sha256": caSha256 } = forBootstrapper;
    expect(parseKernelCommandLine(commandLine)).toEqual({ server, caSha256, capability });
  });

  it("leaves booting from disk to the firmware on UEFI, and boots from it on BIOS", () => {
    const script = renderDiskBoot({ name: "node01", cluster: "build126" });
    // eslint-disable-next-line no-template-curly-in-string -- iPXE's own
    expect(script).toContain("\niseq ${platform} efi && exit 1 ||\nsanboot --no-describe --drive 0x80 || exit 1\n");
  });

  it("contains no commands from the firmware's texts", () => {
    // eslint-disable-next-line no-template-curly-in-string -- iPXE's own
    const serial = "A&&B || shell ; ${cwuri}\nkernel http://evil/\r#%0a";
    const script = renderWait({ ...machine, serial }, { lines: [serial], seconds: 10 });
    expect(script.split("\n")).toHaveLength(12);
    expect(script).toContain("echo Serial A??B ?? shell , ??cwuri??kernel http://evil/???0a");
    assert(
      property(string({ unit: "binary" }), (text) => {
        expect(toIpxeText(text)).toMatch(/^[A-Za-z0-9 .,:/()=@+_?-]+$/);
      }),
    );
  });
});
