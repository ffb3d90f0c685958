import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { renderTemplate, type TemplateValues } from "../../templates/render.ts";
import type { BootstrapperExecutable } from "./bootstrapper-executables.ts";
import type { Instance } from "./instance.ts";

const templatesFolder = join(import.meta.dirname, "../../templates");

/** Renders `file` below the templates folder. */
export type Render = (file: string, values: TemplateValues) => Promise<string>;

/** Each template is read once: it is the running server's, whatever is put in its place. */
export function createRender(folder = templatesFolder): Render {
  const texts = new Map<string, Promise<string>>();
  const read = (file: string) => {
    const known = texts.get(file) ?? readFile(join(folder, file), "utf8");
    texts.set(file, known);
    return known;
  };
  return async (file, values) => renderTemplate({ file, text: await read(file) }, values);
}

/** YAML, of which JSON is a part. */
export const renderMetaData = ({ instanceId, hostname }: Instance) =>
  `${JSON.stringify({ "instance-id": instanceId, "local-hostname": hostname })}\n`;

/**
 * `#cloud-config`: writes the seed (0600) and starts sprout-bootstrap. `url` is where the instance's own files are, and its
 * cloud-init reports; null where it cannot.
 */
export const renderUserData = (
  render: Render,
  { instance, url }: { instance: Pick<Instance, "hostname" | "seed">; url: string | null },
) =>
  render("cloud-init/user-data.yaml", {
    name: instance.hostname,
    seed: Buffer.from(JSON.stringify(instance.seed)).toString("base64"),
    reports: url !== null && { reportUrl: `${url}/report`, phoneHomeUrl: `${url}/phone-home` },
  });

/** Several documents in one, where a data source has but one; each is what its first line says. */
export const renderArchive = (documents: readonly string[]) =>
  `#cloud-config-archive\n${JSON.stringify(documents.filter((document) => document !== ""))}\n`;

/**
 * A script that brings sprout-bootstrap where it is missing, and tells why where it cannot; empty where the server has
 * none to give. `url` is where the instance's own files are.
 */
export async function renderVendorData(
  render: Render,
  { executables, url }: { executables: readonly BootstrapperExecutable[]; url: string },
): Promise<string> {
  if (executables.length === 0) return "";
  const unit = await render("systemd/sprout-bootstrap.service", {});
  const { origin } = new URL(url);
  return render("cloud-init/install-bootstrapper.py", {
    // JSON's strings are Python's as well.
    unit: JSON.stringify(unit),
    reportUrl: `${url}/report`,
    executables: executables.map(({ arch, machine, sha256 }) => ({
      machine,
      url: `${origin}/assets/bootstrapper/${arch}`,
      sha256,
    })),
  });
}
