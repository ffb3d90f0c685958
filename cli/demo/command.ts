import path from "node:path";
import type { Command } from "commander";
import { addKubernetesOptions, bakeEnvironmentHelp, type KubernetesFlags } from "../image/kubernetes-flags.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { parseWholeNumber } from "../flags.ts";
import type { DefineCommand } from "../commands.ts";

interface DemoFlags extends KubernetesFlags {
  nodes: number;
  keep?: boolean;
  clean?: boolean;
  json?: boolean;
  dataDir: string;
  cacheDir: string;
  store: string;
}

const help = `
Takes some minutes the first time, which bakes the machine image, and 6 to 9 minutes more if Kubernetes is compiled. A
later run takes less than a minute. Needs root on Debian 12 or 13; "sprout doctor" checks the host.

"npm run demo" installs first the Debian packages that this host lacks, as root (images/host-setup.sh demo).

Environment:
  SPROUT_STORE         the store, in place of --store
${bakeEnvironmentHelp}`;

/** `sprout demo`: from a bare host to a workload on a cluster, and back. */
export const defineDemo: DefineCommand = (demo, context, end) => {
  addKubernetesOptions(demo, context.environment)
    .option("--nodes <N>", "number of machines; one is the control plane", parseWholeNumber, 4)
    .option("--keep", "leave it running, and print how to use and remove it")
    .option("--clean", "remove an earlier demo that still runs")
    .option(
      "--store <STORE>",
      "sqlite, or the URL of a Redis; the demo leaves nothing in it",
      context.environment.store ?? "sqlite",
    )
    .option("--cache-dir <DIR>", "folder of downloads and builds that are reused", context.environment.cacheDir)
    .addHelpText("after", help)
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<DemoFlags>();
      if (process.platform !== "linux" || process.getuid?.() !== 0)
        throw new CliError(exitCodes.usage, "Cannot run the demo: it needs root on Linux; run the command with sudo");
      if (flags.nodes < 1)
        throw new CliError(exitCodes.usage, "Cannot run the demo with 0 nodes; give --nodes 1 or more");
      const [{ runDemo }, { cleanDemo }] = await Promise.all([import("./run.ts"), import("./server.ts")]);
      const options = { ...flags, demoDir: path.join(flags.dataDir, "demo") };
      if (!flags.clean) return end(await runDemo(context, options));
      const removed = await cleanDemo({ ...options, signal: context.signal });
      context.stderr.write(removed ? "The demo is removed\n" : "No demo is running\n");
      end(exitCodes.ok);
    });
};
