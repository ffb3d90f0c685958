import path from "node:path";
import type { Command } from "commander";
import { addKubernetesOptions, type KubernetesFlags } from "../image/kubernetes-flags.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { parseWholeNumber } from "../flags.ts";
import type { AddCommands } from "../program.ts";
import { runDemo } from "./run.ts";
import { cleanDemo } from "./server.ts";

interface DemoFlags extends KubernetesFlags {
  nodes: number;
  keep?: boolean;
  clean?: boolean;
  json?: boolean;
  dataDir: string;
  cacheDir: string;
  store: string;
}

/** `sprout demo`: everything from an empty machine to a workload on a cluster, and back. */
export const addDemoCommand =
  (mainFile: string): AddCommands =>
  (program, context, end) => {
    addKubernetesOptions(program.command("demo"), context.environment)
      .description("bake what is missing, bring up a real cluster on this host, use it, and remove it (root)")
      .option("--nodes <N>", "machines in all, one of them the control plane", parseWholeNumber, 4)
      .option("--keep", "leave it running, and say how to use and remove it")
      .option("--clean", "remove what an earlier demo left running")
      .option(
        "--store <STORE>",
        "sqlite, or the URL of a Redis; nothing stays in it",
        context.environment.store ?? "sqlite",
      )
      .option("--cache-dir <DIR>", "what is fetched or built once", context.environment.cacheDir)
      .action(async (_flags, command: Command) => {
        const flags = command.optsWithGlobals<DemoFlags>();
        if (process.platform !== "linux" || process.getuid?.() !== 0)
          throw new CliError(exitCodes.usage, "Cannot run the demo: it takes root on Linux; run the command with sudo");
        if (flags.nodes < 1)
          throw new CliError(exitCodes.usage, "Cannot run the demo with 0 nodes: give --nodes 1 or more");
        const options = { ...flags, mainFile, demoDir: path.join(flags.dataDir, "demo") };
        if (!flags.clean) return end(await runDemo(context, options));
        const removed = await cleanDemo({ ...options, signal: context.signal });
        context.stderr.write(removed ? "The demo is removed\n" : "There is no demo\n");
        end(exitCodes.ok);
      });
  };
