import { z } from "zod";
import { messageOf } from "#lib/errors.ts";
import { httpRequest } from "#lib/http-request.ts";
import { retry } from "#lib/retry.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { Kubectl } from "./kubectl.ts";
import { workloadManifests, workloadName, workloadPort } from "./workload-manifests.ts";

const PodList = z.object({
  items: z.array(
    z
      .object({
        metadata: z.object({ name: z.string() }),
        spec: z.object({ nodeName: z.string() }),
        status: z.object({ podIP: z.string(), hostIP: z.string() }),
      })
      .transform(({ metadata: { name }, spec, status }) => ({
        name,
        node: spec.nodeName,
        address: status.podIP,
        hostAddress: status.hostIP,
      })),
  ),
});
type Pod = z.infer<typeof PodList>["items"][number];

const Service = z.object({
  spec: z.object({ clusterIP: z.string(), ports: z.array(z.object({ nodePort: z.int() })).min(1) }),
});

export interface WorkloadResult {
  pods: number;
  /** Answers from another node's pod, by pod address. */
  crossNode: number;
  /** Different nodes that answered behind the Service's cluster IP. */
  serviceBackends: number;
  /** Nodes whose pod reached the Service by its name, which cluster DNS resolved. */
  serviceNames: number;
  /** Nodes whose NodePort answered this host. */
  nodePorts: number;
  /** Repeated checks: 0 if everything answered once the pods were ready. */
  retries: number;
  seconds: number;
}

interface WorkloadOptions {
  kubectl: Kubectl;
  nodes: number;
  timeoutMs: number;
  signal: AbortSignal;
  now: () => number;
}

/** Starts a web server on every node and requests it in every way. Throws CliError that names what did not answer. */
export async function runWorkload(options: WorkloadOptions): Promise<WorkloadResult> {
  const { kubectl, nodes, now } = options;
  const startedAt = now();
  const limit = `${Math.ceil(options.timeoutMs / 1000)}s`;
  // kubectl alone waits 32 s for the API server's schema; an emulated machine needs longer right after it booted.
  await kubectl(["apply", "-f", "-", `--request-timeout=${limit}`], { input: JSON.stringify(workloadManifests) });
  await kubectl(["rollout", "status", `daemonset/${workloadName}`, `--timeout=${limit}`]);
  const { spec } = Service.parse(JSON.parse(await kubectl(["get", "service", workloadName, "-o", "json"])));
  const nodePort = spec.ports[0]?.nodePort ?? 0;
  let retries = 0;
  // Another node's kube-proxy may not know a ready pod yet, and a pod whose sandbox is replaced gets another address.
  const repeated = (check: (pods: Pod[]) => Promise<number>) =>
    retry(async () => check(await listPods(kubectl, nodes)), {
      delays: { firstMs: 250, factor: 1 },
      deadlineMs: startedAt + options.timeoutMs - now(),
      signal: options.signal,
      onFailure: () => void (retries += 1),
    });
  const crossNode = await repeated((pods) => reachAcrossNodes(kubectl, pods));
  const serviceBackends = await repeated((pods) => reachService(kubectl, pods, spec.clusterIP));
  const serviceNames = await repeated((pods) => reachServiceByName(kubectl, pods));
  const nodePorts = await repeated((pods) => reachNodePorts(pods, nodePort, options.signal));
  const seconds = (now() - startedAt) / 1000;
  return { pods: nodes, crossNode, serviceBackends, serviceNames, nodePorts, retries, seconds };
}

/** Throws CliError if the nodes have not one running pod each. */
async function listPods(kubectl: Kubectl, nodes: number): Promise<Pod[]> {
  const { items } = PodList.parse(
    JSON.parse(await kubectl(["get", "pods", "-l", `app=${workloadName}`, "-o", "json"])),
  );
  if (items.length !== nodes)
    throw failed(`a pod runs on ${items.length} of ${nodes} nodes: ${items.map((pod) => pod.node).join(", ")}`);
  return items;
}

/** Requests every other node's pod from every pod. */
async function reachAcrossNodes(kubectl: Kubectl, pods: readonly Pod[]): Promise<number> {
  let answers = 0;
  for (const pod of pods) {
    const others = pods.filter((other) => other !== pod);
    if (others.length === 0) continue;
    const answered = await fetchInPod(
      kubectl,
      pod,
      others.map((other) => `http://${other.address}:${workloadPort}/`),
    );
    for (const [index, other] of others.entries())
      if (answered[index] !== other.node)
        throw failed(
          `the pod on ${pod.node} cannot reach the one on ${other.node} (${other.address}): ${answered[index] || "no answer"}`,
        );
    answers += others.length;
  }
  return answers;
}

/** Requests the cluster IP until every backend has answered; kube-proxy picks one at random each time. */
async function reachService(kubectl: Kubectl, pods: readonly Pod[], clusterIp: string): Promise<number> {
  const seen = new Set<string>();
  const from = pods.at(-1);
  if (!from) throw failed("no pod is running");
  const batch = Array.from({ length: pods.length * 8 }, () => `http://${clusterIp}/`);
  for (let attempt = 0; attempt < 8 && seen.size < pods.length; attempt += 1)
    for (const answer of await fetchInPod(kubectl, from, batch)) if (answer !== "") seen.add(answer);
  const missing = pods.filter((pod) => !seen.has(pod.node)).map((pod) => pod.node);
  if (missing.length > 0) throw failed(`the Service ${clusterIp} never answered from ${missing.join(", ")}`);
  return seen.size;
}

/**
 * Requests the Service's short name from every pod: that needs DNS, and the search list that the kubelet gave the pod.
 */
async function reachServiceByName(kubectl: Kubectl, pods: readonly Pod[]): Promise<number> {
  const names = new Set(pods.map((pod) => pod.node));
  for (const pod of pods) {
    const [answer = ""] = await fetchInPod(kubectl, pod, [`http://${workloadName}/`]);
    if (!names.has(answer))
      throw failed(`the pod on ${pod.node} cannot reach the Service by its name: ${answer || "no answer"}`);
  }
  return pods.length;
}

/** Returns one answer for each URL, empty if there is none. One exec serves all, because its start takes the time. */
async function fetchInPod(kubectl: Kubectl, pod: Pod, urls: readonly string[]): Promise<string[]> {
  const script = 'for url in "$@"; do timeout 3 wget -q -O - "$url" || echo; done';
  const output = await kubectl(["exec", pod.name, "--", "sh", "-c", script, "sh", ...urls]);
  return output.split("\n");
}

async function reachNodePorts(pods: readonly Pod[], nodePort: number, signal: AbortSignal): Promise<number> {
  const names = new Set(pods.map((pod) => pod.node));
  for (const pod of pods) {
    const answer = await fetchText(`http://${pod.hostAddress}:${nodePort}/`, signal);
    if (!names.has(answer)) throw failed(`NodePort ${nodePort} of ${pod.node} answers "${answer}"`);
  }
  return pods.length;
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  try {
    return (await httpRequest({ url: new URL(url), agent: false, signal: limited, maxBytes: 1024 })).body.trim();
  } catch (error) {
    throw failed(`cannot reach ${url} from this host: ${messageOf(error)}`);
  }
}

const failed = (what: string) => new CliError(exitCodes.failed, `The workload does not answer: ${what}`);
