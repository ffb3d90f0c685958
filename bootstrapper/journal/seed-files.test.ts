import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pem } from "../../test/fixtures/node-documents.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { hashCapability } from "./allocation.ts";
import { forgetCapability, makeSeedsPrivate } from "./seed-files.ts";

const capability = "c".repeat(43);
const seed = { server: "https://192.0.2.10:8443", ca: pem("CERTIFICATE", "ca"), capability, mac: "52:54:00:00:00:01" };
const { capability: _, ...spentSeed } = seed;
const origin = { kind: "server", url: seed.server, ca: seed.ca, capabilitySha256: hashCapability(capability) } as const;
const commandLine = `sprout.server=https://192.0.2.10:8443 sprout.capability=${capability} BOOTIF=01-52-54-00-00-00-01 `;

async function createRoot() {
  const root = await temporaryFolder("seeds");
  await mkdir(join(root, "etc/sprout"), { recursive: true });
  const file = (name: string) => join(root, "etc/sprout", name);
  const read = (name: string) => readFile(file(name), "utf8");
  await writeFile(file("seed.json"), JSON.stringify(seed), { mode: 0o600 });
  await writeFile(file("kernel-command-line"), commandLine, { mode: 0o600 });
  return { root, file, read, modeOf: async (name: string) => (await stat(file(name))).mode & 0o777 };
}

describe("makeSeedsPrivate", () => {
  it.each([0o644, 0o640, 0o604, 0o666])("gives a file of mode %o mode 0600 and reports it", async (mode) => {
    const { root, file, modeOf } = await createRoot();
    await chmod(file("seed.json"), mode);
    const lines: string[] = [];
    await makeSeedsPrivate({ root, write: (line) => lines.push(line) });
    expect(await modeOf("seed.json")).toBe(0o600);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        level: "warn",
        message: expect.stringContaining("/etc/sprout/seed.json") as string,
        mode: `0${mode.toString(8)}`,
      },
    ]);
  });

  it("reports nothing of a private file, or of none", async () => {
    const { root } = await createRoot();
    const lines: string[] = [];
    await makeSeedsPrivate({ root, write: (line) => lines.push(line) });
    await makeSeedsPrivate({ root: await temporaryFolder("none"), write: (line) => lines.push(line) });
    expect(lines).toEqual([]);
  });
});

describe("forgetCapability", () => {
  it("removes this allocation's capability from both files, and nothing else", async () => {
    const { root, read, modeOf } = await createRoot();
    await forgetCapability(root, origin);
    expect(JSON.parse(await read("seed.json"))).toEqual(spentSeed);
    expect(await read("kernel-command-line")).toBe(commandLine.replace(`sprout.capability=${capability} `, ""));
    expect(await modeOf("seed.json")).toBe(0o600);
  });

  it("keeps another allocation's capability, and text that it cannot read", async () => {
    const { root, file, read } = await createRoot();
    await forgetCapability(root, { ...origin, capabilitySha256: hashCapability("d".repeat(43)) });
    expect(JSON.parse(await read("seed.json"))).toEqual(seed);
    expect(await read("kernel-command-line")).toBe(commandLine);
    await writeFile(file("seed.json"), '{"server"');
    await forgetCapability(root, origin);
    expect(await read("seed.json")).toBe('{"server"');
  });

  it("has nothing to do on a machine without these files", async () => {
    await expect(forgetCapability(await temporaryFolder("none"), origin)).resolves.toBeUndefined();
  });
});
