import { cp, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { type Placeholders, templates } from "../../templates/placeholders.ts";
import { readOverlay } from "../../templates/overlay.ts";
import type { TemplateValue, TemplateValues } from "../../templates/render.ts";
import {
  firstCredentials,
  firstMetadata,
  furtherMetadata,
  imageManifest,
  kubeadmWorkerCredentials,
  kubeadmWorkerMetadata,
  launchFirstCredentials,
  launchWorkerCredentials,
  poolMetadata,
  workerCredentials,
  workerMetadata,
} from "../../test/fixtures/node-documents.ts";
import { templatesFolder } from "../../templates/folder.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import { createRender } from "../../templates/create-render.ts";
import { renderNodeFiles } from "./node-files.ts";

type Declared = Placeholders[string];

const isMap = (value: TemplateValue): value is TemplateValues => typeof value === "object" && !Array.isArray(value);

/** The declaration of values of this shape. */
function toDeclared(value: TemplateValue): Declared {
  if (typeof value === "boolean") return "flag";
  if (typeof value !== "object") return "value";
  const items: readonly TemplateValue[] = isMap(value) ? [value] : value;
  return items.filter(isMap).map(toPlaceholders).reduce(merge, {});
}
const toPlaceholders = (values: TemplateValues): Placeholders =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toDeclared(value)]));

function merge(one: Placeholders, other: Placeholders): Placeholders {
  const merged: Record<string, Declared> = { ...one };
  for (const [name, declared] of Object.entries(other)) {
    const known = merged[name];
    merged[name] = typeof known === "object" && typeof declared === "object" ? merge(known, declared) : declared;
  }
  return merged;
}

const nodes: [NodeMetadata, NodeCredentials][] = [
  [firstMetadata, firstCredentials],
  [furtherMetadata, firstCredentials],
  [{ ...furtherMetadata, virtualAddress: "10.77.0.250" }, firstCredentials],
  [workerMetadata, workerCredentials],
  [poolMetadata, workerCredentials],
  [{ ...workerMetadata, controlPlanes: furtherMetadata.controlPlanes }, workerCredentials],
  [kubeadmWorkerMetadata, kubeadmWorkerCredentials],
  [{ ...poolMetadata, join: "kubeadm" }, kubeadmWorkerCredentials],
  [firstMetadata, launchFirstCredentials],
  [kubeadmWorkerMetadata, launchWorkerCredentials],
];

/** What the code gives to each template of a node, over every kind of node and machine. */
async function recordGiven(): Promise<Map<string, Placeholders>> {
  const given = new Map<string, Placeholders>();
  const render = createRender(templatesFolder);
  const record = (file: string, values: TemplateValues) => {
    given.set(file, merge(given.get(file) ?? {}, toPlaceholders(values)));
    return render(file, values);
  };
  const images = [imageManifest, { ...imageManifest, imageRepository: "mirror.test/k8s" }];
  for (const [metadata, credentials] of nodes)
    for (const [hasCgroupV1, path] of [
      [true, "/var/lib/kubelet/resolv.conf"],
      [false, "/etc/resolv.conf"],
    ] as const)
      for (const image of images) {
        const machine = {
          image,
          inContainer: true,
          networkCard: "eth0",
          podResolver: { path },
          hasCgroupV1,
          now: new Date(0),
        };
        await renderNodeFiles({ ...machine, metadata, credentials, render: record });
      }
  return given;
}

it("declares for every template of a node the values that the code gives it", async () => {
  const given = await recordGiven();
  expect(given.size).toBeGreaterThan(8);
  expect(Object.fromEntries(given)).toEqual(
    Object.fromEntries(Object.entries(templates).filter(([file]) => given.has(file))),
  );
});

it("declares every template, and accepts each as an overlay of the same template", async () => {
  const entries = await readdir(templatesFolder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".ts"))
    .map((entry) => relative(templatesFolder, join(entry.parentPath, entry.name)));
  expect(Object.keys(templates)).toEqual(files.toSorted());
  const own = await temporaryFolder("templates");
  await cp(templatesFolder, own, { recursive: true, filter: (source) => !source.endsWith(".ts") });
  expect([...(await readOverlay(own)).keys()]).toEqual(files.toSorted());
});
