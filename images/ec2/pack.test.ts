import { copyFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { run } from "#lib/run.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";

const files = ["package.json", "start.mjs", "node_modules/left.js"];

describe("pack.sh", () => {
  let folder: string;
  let archive: string;

  beforeEach(async () => {
    folder = await temporaryFolder("pack");
    archive = join(folder, "dist/project.tar.gz");
    const packed = ["api", "bootstrapper", "cli", "images/ec2", "lib", "metadata-server", "node_modules", "templates"];
    for (const name of [...packed, ".git", "test"]) await mkdir(join(folder, name), { recursive: true });
    for (const name of [...files, "test/e2e.ts"]) await writeFile(join(folder, name), "");
    await copyFile(join(import.meta.dirname, "pack.sh"), join(folder, "images/ec2/pack.sh"));
  });
  const pack = (...args: string[]) => run("sh", [join(folder, "images/ec2/pack.sh"), archive, ...args], { cwd: "/" });
  const listArchive = async () => (await run("tar", ["--list", "--file", archive])).split("\n");

  it("packs a bake's inputs without history and tests, readable by their owner only", async () => {
    await pack();
    const names = await listArchive();
    expect(names).toEqual(expect.arrayContaining([...files, "images/ec2/pack.sh"]));
    expect(names.filter((name) => /^(\.git|test|dist|inputs)\//.test(name))).toEqual([]);
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
  });

  it("adds a folder of inputs", async () => {
    const inputs = await temporaryFolder("inputs");
    await mkdir(join(inputs, "templates"));
    await writeFile(join(inputs, "image.key"), "key");
    await pack(inputs);
    expect(await listArchive()).toEqual(expect.arrayContaining(["inputs/image.key", "inputs/templates/"]));
  });

  it("asks for npm ci if node_modules is missing", async () => {
    await run("rm", ["-r", join(folder, "node_modules")]);
    await expect(pack()).rejects.toThrow("Cannot pack project: it lacks node_modules; run npm ci");
  });
});
