import type { Agent } from "node:http";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";

interface Pods {
  items: { spec: { nodeName?: string }; status: { podIP?: string } }[];
}

export interface ProbeOptions {
  api: Pick<KubernetesApi, "get">;
  /** What the probe at an address says of DNS: `resolved`, or what its program printed; undefined where it does not answer. */
  askProbe: (address: string, signal: AbortSignal) => Promise<string | undefined>;
  signal: AbortSignal;
}

/** What every pod of a working cluster resolves. */
export const dnsName = "kubernetes.default.svc.cluster.local";

const intervalMs = 200;
const answerTimeoutMs = 1000;
const maxAnswerCharacters = 1000;
const selector = encodeURIComponent("app.kubernetes.io/name=sprout-probe");

/** Waits for the probe on each peer to answer and to resolve the name. Throws BootstrapError with each node and its reason. */
export async function waitForProbes(peers: readonly string[], { api, askProbe, signal }: ProbeOptions): Promise<void> {
  const answers = new Map<string, string>();
  const isResolved = (name: string) => answers.get(name)?.trim() === "resolved";
  const ask = async () => {
    const pods = await api.get<Pods>(`/api/v1/namespaces/kube-system/pods?labelSelector=${selector}`, signal);
    await Promise.all(
      (pods?.items ?? []).map(async ({ spec: { nodeName }, status: { podIP } }) => {
        if (nodeName === undefined || podIP === undefined || isResolved(nodeName)) return;
        const answer = await askProbe(podIP, signal);
        if (answer !== undefined) answers.set(nodeName, answer);
      }),
    );
    const silent = peers.filter((name) => !answers.has(name));
    if (silent.length > 0) throw new Error(`no pod answers on ${silent.join(", ")}`);
    const lost = peers.filter((name) => !isResolved(name));
    if (lost.length === 0) return true;
    const reasons = lost.map((name) => `${name} (${lastLine(answers.get(name)) || "no answer within a second"})`);
    throw new Error(`${dnsName} is not resolved by pods on ${reasons.join(", ")}`);
  };
  const failure = { code: "kubernetes", message: "Cannot get pods to work on every node" } as const;
  await poll(ask, { signal, intervalMs, failure });
}

const lastLine = (text = "") => text.trim().split("\n").at(-1)?.trim();

/** Imported above, it would load undici and be a quarter of the time to start. */
const loadHttp = () => process.getBuiltinModule("node:http");

/** Asks over the pod network, at the probe's port. */
export function createAskProbe(port = 8080): ProbeOptions["askProbe"] {
  const agent: Agent = new (loadHttp().Agent)({ maxSockets: 32 });
  return (host, signal) =>
    new Promise((resolve) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
      const request = loadHttp().get({ host, port, path: "/dns", agent, signal: limit }, (incoming) => {
        let answer = "";
        incoming
          .setEncoding("utf8")
          .on("data", (part: string) => {
            answer += part;
            // What is said by a pod is not trusted to end.
            if (answer.length > maxAnswerCharacters) incoming.destroy();
          })
          .once("error", () => resolve(undefined))
          .once("close", () => resolve(incoming.statusCode === 200 ? answer.slice(0, maxAnswerCharacters) : undefined));
      });
      request.once("error", () => resolve(undefined));
    });
}
