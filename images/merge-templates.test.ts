import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { isTemplate } from "../templates/folder.ts";
import { checksumTree } from "./fingerprint.ts";
import { mergeTemplates } from "./merge-templates.ts";

const ownTemplates = join(import.meta.dirname, "../templates");

it("mergeTemplates replaces the project's template by the operator's, which changes the image's checksums", async () => {
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

it("mergeTemplates adds network manifests unchanged", async () => {
  const file = join(await temporaryFolder("networks"), "flannel.yaml");
  const manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: '{{not a placeholder}}'}\n";
  await writeFile(file, manifest);
  const merged = await mergeTemplates({ networkManifests: [file] });
  expect(await readFile(join(merged.path, "networks/flannel.yaml"), "utf8")).toBe(manifest);
  await merged[Symbol.asyncDispose]();
});

it("mergeTemplates adds a network manifest above 128 KiB, whose Lists within Lists kubectl can apply", async () => {
  const file = join(await temporaryFolder("networks"), "calico.yaml");
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, data: { a: "x".repeat(200_000) } };
  await writeFile(file, JSON.stringify({ kind: "List", items: [{ kind: "List", items: [secret] }] }));
  const merged = await mergeTemplates({ networkManifests: [file] });
  const baked = await readFile(join(merged.path, "networks/calico.yaml"), "utf8");
  expect(parse(baked)).toEqual({ kind: "List", items: [secret] });
  await merged[Symbol.asyncDispose]();
});

it("mergeTemplates lists every problem of network manifests at once", async () => {
  const folder = await temporaryFolder("networks");
  const files = ["Flannel.txt", "calico.yaml"].map((name) => join(folder, name));
  await writeFile(files[0]!, "apiVersion: v1\nkind: Pod\n");
  await writeFile(files[1]!, "a: [\n");
  files.push(join(folder, "latin1.yaml"));
  await writeFile(files[2]!, Buffer.from("# Zürich\n", "latin1"));
  await expect(mergeTemplates({ networkManifests: [...files, files[1]!] })).rejects.toThrow(
    `Cannot use network manifests: ${files[0]}: its name must be lower-case and end in .yaml or .yml, such as flannel.yaml; ` +
      `${files[0]}: Expected metadata.name at line 1, column 1; ${files[1]}: another has the same name; ` +
      `${files[1]}: Expected YAML at line 2, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]; ` +
      `${files[2]}: it is not UTF-8 (byte FC on line 1)`,
  );
});
