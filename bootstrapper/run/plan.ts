import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Phase } from "#api/phase.ts";
import { toNodeKind } from "./node-kind.ts";
import type { Resume } from "./resume.ts";

/** One step of a bring-up: it starts when everything in `after` is done. */
export interface Step {
  phase: Phase;
  after: Phase[];
  /** Its failure is reported and changes nothing else. */
  optional?: true;
  /** No other step waits for it; it is stopped when the others have ended. */
  background?: true;
}

const credentials: Step[] = [
  { phase: "preflight", after: [] },
  { phase: "claim", after: [] },
  { phase: "render", after: ["claim"] },
  // The server destroys its copy of the credentials only once this machine is known to be fit.
  { phase: "confirm", after: ["render", "preflight"] },
];

const peers: Step = { phase: "peers", after: [], optional: true, background: true };

/** The API server comes first: a kubelet that starts before it backs off for seconds between registrations. */
const worker: Step[] = [
  { phase: "api-server", after: ["render"] },
  { phase: "kubelet", after: ["api-server", "preflight"] },
  { phase: "register", after: ["kubelet"] },
  { phase: "network", after: ["register"] },
  { phase: "verify", after: ["network", "confirm"] },
];

/** kubeadm starts the kubelet, and still waits for seconds when the Node exists. Other steps use that time. */
const kubeadmWorker: Step[] = [
  { phase: "api-server", after: ["render"] },
  { phase: "join", after: ["api-server", "preflight"] },
  { phase: "register", after: ["api-server"] },
  { phase: "network", after: ["register"] },
  { phase: "verify", after: ["join", "network", "confirm"] },
];

const controlPlane: Step[] = [
  { phase: "static-pods", after: ["render"] },
  { phase: "kubelet", after: ["static-pods", "preflight"] },
  { phase: "api-server", after: ["kubelet"] },
  { phase: "register", after: ["kubelet"] },
  { phase: "cluster-config", after: ["api-server", "register"] },
  { phase: "network", after: ["register"] },
  { phase: "verify", after: ["cluster-config", "network", "confirm"] },
];

/** The API server starts once its etcd has become a member of the others'. */
const joiningControlPlane: Step[] = [
  { phase: "static-pods", after: ["render"] },
  { phase: "kubelet", after: ["static-pods", "preflight"] },
  { phase: "etcd-join", after: ["kubelet"] },
  { phase: "api-server", after: ["etcd-join"] },
  { phase: "register", after: ["api-server"] },
  { phase: "cluster-config", after: ["api-server", "register"] },
  { phase: "network", after: ["register"] },
  { phase: "verify", after: ["cluster-config", "network", "confirm"] },
];

const proof: Step[] = [{ phase: "available", after: ["verify"], optional: true }];

/**
 * Returns the steps for this node, in an order in which they could also run one after the other. Pure: printing it is
 * the dry run.
 */
export function planSteps(metadata: NodeMetadata): Step[] {
  const kind = toNodeKind(metadata);
  if (kind === "worker") return [...credentials, ...(metadata.join === "kubeadm" ? kubeadmWorker : worker), peers];
  if (metadata.initialClusterState === "existing") return [...credentials, ...joiningControlPlane, peers];
  return [...credentials, ...controlPlane, ...(kind === "first-control-plane" ? proof : []), peers];
}

/**
 * Returns the steps that are left for `resume`. Steps converge, so it leaves out only those that cannot or must not run
 * again.
 */
export function planResumed(metadata: NodeMetadata, resume: Resume): Step[] {
  switch (resume.mode) {
    case "begin":
      return planSteps(metadata);
    case "continue":
      return without(planSteps(metadata), ["claim", "render", ...(resume.isConfirmed ? ["confirm" as const] : [])]);
    default:
      return [...restart, ...(resume.isProofPending ? proofAfterRestart : [])];
  }
}

/** The packet filter comes before the kubelet, and so before any pod. */
const restart: Step[] = [
  { phase: "network", after: [] },
  { phase: "kubelet", after: ["network"] },
];
const proofAfterRestart: Step[] = [
  { phase: "api-server", after: ["kubelet"] },
  { phase: "available", after: ["api-server"], optional: true },
];

const without = (steps: Step[], phases: Phase[]): Step[] =>
  steps
    .filter(({ phase }) => !phases.includes(phase))
    .map((step) => ({ ...step, after: step.after.filter((phase) => !phases.includes(phase)) }));
