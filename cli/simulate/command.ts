import { randomBytes } from "node:crypto";
import { createLogUpdate } from "log-update";
import { maxDeadlineSeconds } from "#api/node-metadata.ts";
import { type ClusterCommand, createAction } from "../action.ts";
import { createApiClient } from "../client/api-client.ts";
import type { Connection } from "../client/connection.ts";
import type { DefineCommand } from "../commands.ts";
import { type CliContext, isLive, styleOf, writeJson } from "../context.ts";
import { CliError, type ExitCode, exitCodes } from "../exit-code.ts";
import { parseDurationSeconds, parseWholeNumber } from "../flags.ts";
import { planClusters } from "./plan.ts";
import { renderProgress, renderSimulation } from "./render.ts";
import { runSimulation } from "./run.ts";
import { createTally, type Tally } from "./tally.ts";

interface SimulateFlags {
  machines: number;
  clusterSize: number;
  atOnce: number;
  deadline: number;
}

const mostMachines = 10_000;
const mostNodes = 5000;

const help = `
Creates clusters of the provider "external", named simulated-…, plays the calls of their machines, and deletes them. No
Kubernetes runs. The server needs --external-server-url, with an address that this host reaches.

From another host than the server's, all machines share one address, and so its limits: give the server a higher
--requests-per-address and --connections-per-address for this test.
`;

/** Clusters are created and deleted to the end, because an interruption must not leave any. */
const connect = (connection: Connection, { now }: CliContext) =>
  createApiClient(connection, { signal: new AbortController().signal, now });

/** `sprout simulate`: how many machines a server takes, and how fast it answers them. */
export const defineSimulate: DefineCommand = (simulate, context, end) => {
  const action = createAction(context, end, connect);
  simulate
    .requiredOption("--machines <N>", "number of simulated machines", parseWholeNumber)
    .option("--cluster-size <N>", "machines of a cluster, one of them the control plane", parseWholeNumber, 4)
    .option("--at-once <N>", "machines that come up at the same time, in whole clusters", parseWholeNumber, 200)
    .option("--deadline <DURATION>", "of each cluster", parseDurationSeconds, 180)
    .addHelpText("after", help)
    .action(action(async () => simulateMachines));
};

async function simulateMachines({ client, context, flags }: ClusterCommand<SimulateFlags>): Promise<ExitCode> {
  const { machines, clusterSize: size, atOnce, deadline: deadlineSeconds } = flags;
  refuseOutside("--machines", machines, [1, mostMachines]);
  refuseOutside("--cluster-size", size, [1, mostNodes]);
  refuseOutside("--at-once", atOnce, [1, mostMachines]);
  refuseOutside("--deadline", deadlineSeconds, [5, maxDeadlineSeconds]);
  const tally = createTally(machines, () => performance.now());
  const lanes = Math.max(1, Math.floor(atOnce / size));
  const clusters = planClusters(machines, { size, run: randomBytes(3).toString("hex") });
  const stopDisplay = startDisplay(context, tally);
  try {
    await runSimulation({ client, clusters, lanes, deadlineSeconds, tally, signal: context.signal });
  } finally {
    stopDisplay();
    const { left } = tally.result();
    if (context.signal.aborted && left.length > 0)
      context.stderr.write(`Not deleted, and gone in an hour: ${left.join(", ")}\n`);
  }
  const simulation = tally.result();
  if (flags.json) writeJson(context, simulation);
  else context.stdout.write(renderSimulation(simulation, styleOf(context, context.stdout)));
  const isWhole = simulation.readyMachines === machines && simulation.left.length === 0;
  return isWhole ? exitCodes.ok : exitCodes.failed;
}

function refuseOutside(flag: string, value: number, [least, most]: [number, number]): void {
  if (value >= least && value <= most) return;
  throw new CliError(exitCodes.usage, `Cannot simulate machines: ${flag}: Expected ${least} to ${most}, got ${value}`);
}

/** Draws the progress on a terminal, or prints it every ten seconds. Returns how to end it. */
function startDisplay(context: CliContext, tally: Tally): () => void {
  const live = isLive(context, context.stderr);
  const log = createLogUpdate(context.stderr);
  const draw = () =>
    live ? log(renderProgress(tally.progress())) : context.stderr.write(`${renderProgress(tally.progress())}\n`);
  const timer = setInterval(draw, live ? 250 : 10_000);
  return () => {
    clearInterval(timer);
    if (live) log.clear();
  };
}
