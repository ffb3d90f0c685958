import type { Phase } from "#api/phase.ts";
import type { StepAction } from "../run.ts";
import type { Session } from "../session.ts";
import { waitForApiServer } from "./api-server.ts";
import { proveAvailable } from "./available.ts";
import { claim } from "./claim.ts";
import { configureCluster } from "./cluster-config.ts";
import { confirm } from "./confirm.ts";
import { joinCluster } from "./join.ts";
import { startKubelet } from "./kubelet.ts";
import { setUpNetwork } from "./network.ts";
import { checkPeers } from "./peers.ts";
import { preflight } from "./preflight.ts";
import { register } from "./register.ts";
import { renderStep } from "./render.ts";
import { writeStaticPods } from "./static-pods.ts";
import { verify } from "./verify.ts";

/** What each step of a plan does. */
export function createActions(session: Session): Record<string, StepAction> {
  const actions = {
    preflight,
    peers: checkPeers,
    claim,
    render: renderStep,
    confirm,
    "static-pods": writeStaticPods,
    kubelet: startKubelet,
    join: joinCluster,
    "api-server": waitForApiServer,
    register,
    "cluster-config": configureCluster,
    network: setUpNetwork,
    verify,
    available: proveAvailable,
  } satisfies Partial<Record<Phase, (session: Session, signal: AbortSignal) => Promise<void>>>;
  return Object.fromEntries(
    Object.entries(actions).map(([phase, action]) => [phase, (signal: AbortSignal) => action(session, signal)]),
  );
}
