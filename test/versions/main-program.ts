import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { kubernetesReleases } from "#api/kubernetes-version.ts";
import { run } from "#lib/run.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { measureVersion, type VersionTimes } from "./measure.ts";
import { replaceBetween } from "../documents/replace-between.ts";
import { renderTable } from "./table.ts";
import { readOptions } from "../script-options.ts";

const help = `Usage: npm run versions -- [--only VERSION,…] [--runs N]

Brings up real clusters of every supported Kubernetes version. Prints a table of the times, and writes it to
dist/versions.json and, if all versions ran, to docs/versions.md. Exits with 1 if a cluster fails.

Options:
  --only VERSION,…  only these versions, such as v1.36.3
  --runs N          clusters of each size and version (5)

Takes several minutes for each version, and longer while its image is baked: minutes, once. Needs root on Debian 12 or 13.

Installs first, as root, the Debian packages that this host lacks (images/host-setup.sh).
`;

const values = readOptions(help, {
  only: { type: "string", default: kubernetesReleases.map(({ version }) => version).join(",") },
  runs: { type: "string", default: "5" },
});
const versions = values.only.split(",");
const onProgress = (text: string) => process.stderr.write(`  ${text}\n`);
const projectDir = join(import.meta.dirname, "../..");

const reason = whyNoMachines();
if (reason !== null) throw new Error(`Cannot measure: ${reason}`);
const measured: VersionTimes[] = [];
for (const version of versions) {
  onProgress(`${version}: image`);
  const { kubectl } = await prepareImage(
    (progress) => {
      if (progress.state === "working") onProgress(progress.detail);
    },
    { version },
  );
  measured.push(await measureVersion({ version, kubectl, runs: Number(values.runs), onProgress }));
}
const table = renderTable(measured);
process.stdout.write(`Seconds from the POST, p50 (worst) of ${values.runs}\n\n${table}`);
await mkdir(join(projectDir, "dist"), { recursive: true });
await writeFile(join(projectDir, "dist/versions.json"), `${JSON.stringify(measured, null, 2)}\n`);
if (versions.length === kubernetesReleases.length) {
  const file = join(projectDir, "docs/versions.md");
  await writeFile(file, replaceBetween(await readFile(file, "utf8"), "npm run versions", table));
  // In the format that lint checks.
  await run(join(projectDir, "node_modules/.bin/oxfmt"), [file]);
}
