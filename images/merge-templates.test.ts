import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { checksumTree, isTemplate } from "./fingerprint.ts";
import { mergeTemplates } from "./merge-templates.ts";

const ownTemplates = join(import.meta.dirname, "../templates");

it("puts an operator's template in the place of the project's, which changes what an image is made of", async () => {
  const folder = await temporaryFolder("overlay");
  await mkdir(join(folder, "sysctl"));
  await writeFile(join(folder, "sysctl/sprout.conf"), "vm.swappiness = 1\n");
  const merged = await mergeTemplates(folder);
  expect(await readFile(join(merged.path, "sysctl/sprout.conf"), "utf8")).toBe("vm.swappiness = 1\n");
  const [own, mixed] = [await checksumTree(ownTemplates, isTemplate), await checksumTree(merged.path, () => true)];
  expect(mixed.map(({ file }) => file)).toEqual(own.map(({ file }) => file));
  expect(mixed.filter(({ sha256 }, index) => sha256 !== own[index]?.sha256)).toHaveLength(1);
  await merged[Symbol.asyncDispose]();
  await expect(access(merged.path)).rejects.toThrow("ENOENT");
});
