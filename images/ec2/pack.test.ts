import { copyFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { run } from "../../metadata-server/run.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";

describe("pack.sh", () => {
  let folder: string;
  let archive: string;

  beforeEach(async () => {
    folder = await temporaryFolder("pack");
    archive = join(folder, "dist/project.tar.gz");
    for (const name of ["bootstrapper", "images/ec2", "metadata-server", "node_modules", "templates", ".git", "test"])
      await mkdir(join(folder, name), { recursive: true });
    for (const name of ["package.json", "node_modules/left.js", "test/e2e.ts"]) await writeFile(join(folder, name), "");
    await copyFile(join(import.meta.dirname, "pack.sh"), join(folder, "images/ec2/pack.sh"));
  });
  const pack = (...args: string[]) => run("sh", [join(folder, "images/ec2/pack.sh"), archive, ...args], { cwd: "/" });
  const listArchive = async () => (await run("tar", ["--list", "--file", archive])).split("\n");

  it("packs what a bake is made of, and neither history nor tests; for its owner alone", async () => {
    await pack();
    const names = await listArchive();
    expect(names).toEqual(expect.arrayContaining(["package.json", "node_modules/left.js", "images/ec2/pack.sh"]));
    expect(names.filter((name) => /^(\.git|test|dist|inputs)\//.test(name))).toEqual([]);
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
  });

  it("takes a folder of inputs along", async () => {
    const inputs = await temporaryFolder("inputs");
    await mkdir(join(inputs, "templates"));
    await writeFile(join(inputs, "image.key"), "key");
    await pack(inputs);
    expect(await listArchive()).toEqual(expect.arrayContaining(["inputs/image.key", "inputs/templates/"]));
  });

  it("says what is missing where npm ci was not run", async () => {
    await run("rm", ["-r", join(folder, "node_modules")]);
    await expect(pack()).rejects.toThrow("Cannot pack the project: it has no node_modules; run npm ci");
  });
});
