import type { Phase } from "#api/phase.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import type { OpenSource } from "../open-source.ts";
import type { StepAction } from "../run/run-steps.ts";
import type { StartingPoint } from "../run/starting-point.ts";
import { waitForApiServer } from "./api-server.ts";
import { proveAvailable } from "./available.ts";
import { claim } from "./claim.ts";
import { configureCluster } from "./cluster-config.ts";
import { confirm } from "./confirm.ts";
import { joinEtcd } from "./etcd-join.ts";
import { joinCluster } from "./join.ts";
import { startKubelet } from "./kubelet.ts";
import { setUpNetwork } from "./network.ts";
import type { ClaimedNode, NodeContext } from "./node-context.ts";
import { checkPeers } from "./peers.ts";
import { preflight } from "./preflight.ts";
import { register } from "./register.ts";
import { renderStep } from "./render.ts";
import { writeStaticPods } from "./static-pods.ts";
import { verify } from "./verify.ts";

interface ActionOptions {
  source: OpenSource;
  start: StartingPoint;
  /** What an earlier run claimed, if this run does not claim again. */
  credentials: NodeCredentials | undefined;
  /** Takes values that no console line and no report may show from now on. */
  hide: (...values: string[]) => void;
  /** Stops sending reports, and logs the reason. */
  giveUpReports: (reason: string) => void;
}

/** Joins the steps: each gets what it needs of the context, and of the results of the steps that it comes after. */
export function createActions(context: NodeContext, options: ActionOptions): Record<string, StepAction> {
  const { source, start, hide, giveUpReports } = options;
  const { leftovers, recorded } = start;
  const flushJournal = async () => start.journal?.durable();
  const claimed = Promise.withResolvers<ClaimedNode>();
  const rendered = Promise.withResolvers<string[]>();
  if (options.credentials !== undefined) {
    claimed.resolve({ ...context, credentials: options.credentials });
    // The earlier run made its files durable before it started to confirm.
    rendered.resolve([]);
  }
  const afterClaim =
    (action: (node: ClaimedNode, signal: AbortSignal) => Promise<void>): StepAction =>
    async (signal) =>
      action(await claimed.promise, signal);
  return {
    preflight: (signal) => preflight(context, { leftovers, source }, signal),
    peers: (signal) => checkPeers(context, signal),
    async claim(signal) {
      const credentials = await claim(context, { source, recorded, hide }, signal);
      claimed.resolve({ ...context, credentials });
    },
    async render() {
      const hostsBefore = start.record.before["/etc/hosts"] ?? "";
      rendered.resolve(await renderStep(await claimed.promise, { hostsBefore, recorded }));
    },
    async confirm(signal) {
      await confirm(context, { source, paths: await rendered.promise, flushJournal, hide, giveUpReports }, signal);
    },
    "static-pods": afterClaim(writeStaticPods),
    kubelet: (signal) => startKubelet(context, signal),
    join: afterClaim(joinCluster),
    "etcd-join": afterClaim(joinEtcd),
    "api-server": afterClaim(waitForApiServer),
    register: afterClaim(register),
    "cluster-config": afterClaim(configureCluster),
    network: (signal) => setUpNetwork(context, source.url, signal),
    verify: afterClaim((node, signal) => verify(node, source, signal)),
    available: afterClaim(proveAvailable),
  } satisfies Partial<Record<Phase, StepAction>>;
}
