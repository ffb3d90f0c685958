import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Phase } from "#api/phase.ts";
import type { Resume } from "./resume.ts";

/** One step of a bring-up: it starts when everything in `after` is done. */
export interface Step {
  phase: Phase;
  after: Phase[];
  /** Its failure is reported and changes nothing else. */
  optional?: true;
  /** Nobody waits for it: it is told to end when the other steps have. */
  beside?: true;
}

/** First control plane, further control plane, worker: only the first proves the cluster. */
export type NodeKind = "first-control-plane" | "control-plane" | "worker";

export function toNodeKind({ self, peers }: NodeMetadata): NodeKind {
  if (self.role === "worker") return "worker";
  return peers === undefined ? "control-plane" : "first-control-plane";
}

const credentials: Step[] = [
  { phase: "preflight", after: [] },
  { phase: "claim", after: [] },
  { phase: "render", after: ["claim"] },
  // The credentials' copy at the server is destroyed only once this machine is known to be fit.
  { phase: "confirm", after: ["render", "preflight"] },
];

const peers: Step = { phase: "peers", after: [], optional: true, beside: true };

/** A kubelet that starts before its API server backs off for seconds between registrations: API server first. */
const worker: Step[] = [
  { phase: "api-server", after: ["render"] },
  { phase: "kubelet", after: ["api-server", "preflight"] },
  { phase: "register", after: ["kubelet"] },
  { phase: "network", after: ["register"] },
  { phase: "verify", after: ["network", "confirm"] },
];

/** kubeadm starts the kubelet. It waits on for seconds where the Node is there already, which is used meanwhile. */
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

const proof: Step[] = [{ phase: "available", after: ["verify"], optional: true }];

/** The steps for this node, in an order in which each could run alone. Pure: printing it is the dry run. */
export function planSteps(metadata: NodeMetadata): Step[] {
  const kind = toNodeKind(metadata);
  if (kind === "worker") return [...credentials, ...(metadata.join === "kubeadm" ? kubeadmWorker : worker), peers];
  return [...credentials, ...controlPlane, ...(kind === "first-control-plane" ? proof : []), peers];
}

/** What is left to do for `resume`: steps converge, so only those are left out that cannot or must not run again. */
export function planResumed(metadata: NodeMetadata, resume: Resume): Step[] {
  switch (resume.mode) {
    case "begin":
      return planSteps(metadata);
    case "go-on":
      return without(planSteps(metadata), ["claim", "render", ...(resume.isConfirmed ? ["confirm" as const] : [])]);
    default:
      return [...restart, ...(resume.isProofPending ? proofAfterRestart : [])];
  }
}

/** No kubelet, and so no pod, before the packet filter is as it was. */
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
