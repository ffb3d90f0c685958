import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { kubernetesReleases } from "#api/kubernetes-version.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { measureVersion, type VersionTimes } from "./measure.ts";
import { renderTable, replaceTable } from "./table.ts";

// `npm run versions -- [--only v1.36.3,…] [--runs N]`: real clusters of every supported version, as a table on stdout and in
// docs/versions.md (there only where all versions ran), and as JSON in dist/versions.json. A failure ends it with 1.

const { values } = parseArgs({
  options: {
    only: { type: "string", default: kubernetesReleases.map(({ version }) => version).join(",") },
    runs: { type: "string", default: "5" },
  },
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
  await writeFile(file, replaceTable(await readFile(file, "utf8"), table));
}
