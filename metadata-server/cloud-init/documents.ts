import type { Render } from "../../templates/create-render.ts";
import type { BootstrapperExecutable } from "./bootstrapper-executables.ts";
import type { Instance } from "./instance.ts";

/** YAML, written as JSON, its subset. */
export const renderMetaData = ({ instanceId, hostname }: Instance) =>
  `${JSON.stringify({ "instance-id": instanceId, "local-hostname": hostname })}\n`;

/**
 * Renders the `#cloud-config` that writes the seed (0600) and starts sprout-bootstrap. `url`: where the instance's
 * files are and where cloud-init reports; null if it cannot report.
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

/** Joins documents for a data source that has only one. The first line of each names its type. */
export const renderArchive = (documents: readonly string[]) =>
  `#cloud-config-archive\n${JSON.stringify(documents.filter((document) => document !== ""))}\n`;

/**
 * Renders a script that installs sprout-bootstrap if the image lacks it, and reports why if it cannot. Empty if the
 * server has no executable. `url`: where the instance's files are.
 */
export async function renderVendorData(
  render: Render,
  { executables, url }: { executables: readonly BootstrapperExecutable[]; url: string },
): Promise<string> {
  if (executables.length === 0) return "";
  const unit = await render("systemd/sprout-bootstrap.service", {});
  const { origin } = new URL(url);
  return render("cloud-init/install-bootstrapper.py", {
    // A JSON string is also a Python string.
    unit: JSON.stringify(unit),
    reportUrl: `${url}/report`,
    executables: executables.map(({ arch, machine, sha256 }) => ({
      machine,
      url: `${origin}/assets/bootstrapper/${arch}`,
      sha256,
    })),
  });
}
