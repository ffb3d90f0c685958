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
  const merged = await mergeTemplates({ overlayDir: folder });
  expect(await readFile(join(merged.path, "sysctl/sprout.conf"), "utf8")).toBe("vm.swappiness = 1\n");
  const [own, mixed] = [await checksumTree(ownTemplates, isTemplate), await checksumTree(merged.path, () => true)];
  expect(mixed.map(({ file }) => file)).toEqual(own.map(({ file }) => file));
  expect(mixed.filter(({ sha256 }, index) => sha256 !== own[index]?.sha256)).toHaveLength(1);
  await merged[Symbol.asyncDispose]();
  await expect(access(merged.path)).rejects.toThrow("ENOENT");
});

it("puts network manifests beside the templates, as they are", async () => {
  const file = join(await temporaryFolder("networks"), "flannel.yaml");
  const manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: '{{not a placeholder}}'}\n";
  await writeFile(file, manifest);
  const merged = await mergeTemplates({ networkManifests: [file] });
  expect(await readFile(join(merged.path, "networks/flannel.yaml"), "utf8")).toBe(manifest);
  await merged[Symbol.asyncDispose]();
});

it("names everything that is wrong with network manifests at once", async () => {
  const folder = await temporaryFolder("networks");
  const files = ["Flannel.txt", "calico.yaml"].map((name) => join(folder, name));
  await writeFile(files[0]!, "apiVersion: v1\nkind: Pod\n");
  await writeFile(files[1]!, "a: [\n");
  await expect(mergeTemplates({ networkManifests: [...files, files[1]!] })).rejects.toThrow(
    `Cannot use network manifests: ${files[0]}: its name must be like flannel.yaml; ` +
      `${files[0]}: line 1, column 1: lacks metadata.name; ${files[1]}: another has the same name; ${files[1]}: line `,
  );
});
