import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { findProgram } from "../fixtures/find-program.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

const examples = new URL("../../docs/examples/systemd/", import.meta.url).pathname;
const templates = new URL("../../templates/systemd/", import.meta.url).pathname;

/** Copies a unit; what it starts is no part of this host, and so stands for a program that is. */
async function copyUnit(folder: string, name: string): Promise<{ dir: string; file: string }> {
  const dir = await temporaryFolder("unit");
  const file = join(dir, name);
  const text = await readFile(join(folder, name), "utf8");
  await writeFile(file, text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
  return { dir, file };
}

const verify = async (file: string) => (await execa("systemd-analyze", ["verify", "--man=no", file])).stderr;
/** From 0, nothing is exposed, to 10. */
const exposure = async (file: string) => {
  const { stdout } = await execa("systemd-analyze", ["security", "--offline=true", "--no-pager", file], {
    reject: false,
  });
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
};

describe.skipIf(!findProgram("systemd-analyze"))("Units of systemd", () => {
  it("sprout.service runs the server as a user of its own, in a sandbox", async () => {
    const { dir, file } = await copyUnit(examples, "sprout.service");
    expect(await verify(file)).toBe("");
    expect(await exposure(file)).toBeLessThan(2);
    await mkdir(join(dir, "sprout.service.d"));
    await cp(join(examples, "root.conf"), join(dir, "sprout.service.d/root.conf"));
    expect(await verify(file)).toBe("");
    expect(await exposure(file)).toBeGreaterThan(9);
  });

  it("sprout-bootstrap.service lets no file be read by others, and no setuid file be made", async () => {
    const { file } = await copyUnit(templates, "sprout-bootstrap.service");
    expect(await verify(file)).toBe("");
    const text = await readFile(file, "utf8");
    for (const line of ["UMask=0077", "NoNewPrivileges=yes", "RestrictSUIDSGID=yes"]) expect(text).toContain(line);
  });
});
