import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { run } from "#lib/run.ts";
import { writeInitrd } from "./initrd.ts";

const templatesDir = fileURLToPath(new URL("../../templates", import.meta.url));
const missing = ["cpio", "depmod"].filter((name) => !findProgram(name));
const { signal } = new AbortController();

/** A kernel without modules, because these tests inspect only the archive. */
async function createKernel(folder: string) {
  const modulesDir = join(folder, "modules");
  await mkdir(modulesDir, { recursive: true });
  for (const name of ["modules.order", "modules.builtin", "modules.builtin.modinfo"])
    await writeFile(join(modulesDir, name), "");
  await writeFile(join(folder, "busybox"), "busybox");
  const files = { vmlinuz: join(folder, "vmlinuz"), busybox: join(folder, "busybox"), modulesDir, loadersDir: folder };
  return { kernelVersion: "6.1.0-1-cloud-amd64", packages: [], ...files };
}

describe.skipIf(missing.length > 0)(
  `writeInitrd${missing.length > 0 ? ` (skipped: no ${missing.join(", ")})` : ""}`,
  () => {
    it("writes the same bytes for the same inputs, padded so that another initrd may follow", async () => {
      const folder = await temporaryFolder("initrd");
      const kernel = await createKernel(folder);
      for (const name of ["one", "other"])
        await writeInitrd(join(folder, name), {
          kernel,
          templatesDir,
          scratchDir: join(folder, `${name}-work`),
          signal,
        });
      const [one, other] = await Promise.all(["one", "other"].map((name) => readFile(join(folder, name))));
      expect(one).toEqual(other);
      expect(one!.length % 512).toBe(0);
    });

    it("writes an init that a shell parses, and busybox under the names that other programs run", async () => {
      const folder = await temporaryFolder("initrd");
      const kernel = await createKernel(folder);
      await writeInitrd(join(folder, "initrd"), { kernel, templatesDir, scratchDir: join(folder, "work"), signal });
      const archive = await promisify(zstdDecompress)(await readFile(join(folder, "initrd")));
      const unpacked = join(folder, "unpacked");
      await mkdir(unpacked);
      await writeFile(join(folder, "cpio"), archive);
      await run("cpio", ["--extract", "--quiet", `--file=${join(folder, "cpio")}`], { cwd: unpacked, signal });
      expect((await readdir(join(unpacked, "sbin"))).toSorted()).toEqual(["modprobe", "wget"]);
      const parts = ["network", "report", "disk", "root"].map((name) => `usr/lib/sprout/${name}.sh`);
      for (const script of ["init", "usr/lib/sprout/udhcpc", ...parts])
        await promisify(execFile)("sh", ["-n", join(unpacked, script)]);
      for (const script of ["init", "usr/lib/sprout/udhcpc"])
        expect(await readFile(join(unpacked, script), "utf8")).toMatch(/^#!\/usr\/lib\/sprout\/busybox sh\n/);
    });
  },
);
