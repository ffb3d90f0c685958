import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "#lib/run.ts";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { decompressModules } from "./kernel-package.ts";

const { signal } = new AbortController();

it.skipIf(!findProgram("xz")).each([
  ["13", "usr/lib/modules/6.12/kernel/net"],
  ["12", "lib/modules/6.1/kernel/net"],
])("decompressModules turns Debian %s's modules into files that busybox can load", async (_release, folder) => {
  const tree = await temporaryFolder("modules");
  await mkdir(join(tree, folder), { recursive: true });
  for (const name of ["plain.ko", "packed.ko"]) await writeFile(join(tree, folder, name), name);
  await run("xz", [join(tree, folder, "packed.ko")], { signal });
  await decompressModules(tree, { signal });
  expect((await readdir(join(tree, folder))).toSorted()).toEqual(["packed.ko", "plain.ko"]);
  expect(await readFile(join(tree, folder, "packed.ko"), "utf8")).toBe("packed.ko");
});

it("decompressModules reports a damaged module", async () => {
  const tree = await temporaryFolder("modules");
  await mkdir(join(tree, "usr/lib/modules/6.12"), { recursive: true });
  await writeFile(join(tree, "usr/lib/modules/6.12/broken.ko.xz"), "not xz");
  await expect(decompressModules(tree, { signal })).rejects.toThrow("xz");
});
