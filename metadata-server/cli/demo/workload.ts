import { get } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { CliError, exitCodes } from "../exit-code.ts";
import type { Kubectl } from "./kubectl.ts";
import { workloadManifests, workloadName, workloadPort } from "./workload-manifests.ts";

const PodList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ nodeName: z.string() }),
      status: z.object({ podIP: z.string(), hostIP: z.string() }),
    }),
  ),
});
const Service = z.object({
  spec: z.object({ clusterIP: z.string(), ports: z.array(z.object({ nodePort: z.int() })).min(1) }),
});

interface Pod {
  name: string;
  node: string;
  address: string;
  hostAddress: string;
}

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
  /** Checks that had to be repeated: 0 where everything answered as soon as the pods were ready. */
  retries: number;
  seconds: number;
}

export interface WorkloadOptions {
  kubectl: Kubectl;
  nodes: number;
  timeoutMs: number;
  signal: AbortSignal;
  now: () => number;
}

/** Starts the web server on every node, and reaches it in every way there is. Throws naming what did not answer. */
export async function runWorkload(options: WorkloadOptions): Promise<WorkloadResult> {
  const { kubectl, nodes, now } = options;
  const startedAt = now();
  await kubectl(["apply", "-f", "-"], { input: JSON.stringify(workloadManifests) });
  await kubectl([
    "rollout",
    "status",
    `daemonset/${workloadName}`,
    `--timeout=${Math.ceil(options.timeoutMs / 1000)}s`,
  ]);
  const pods = await listPods(kubectl);
  if (pods.length !== nodes)
    throw failed(`a pod runs on ${pods.length} of ${nodes} nodes: ${pods.map((pod) => pod.node).join(", ")}`);
  const { spec } = Service.parse(JSON.parse(await kubectl(["get", "service", workloadName, "-o", "json"])));
  const nodePort = spec.ports[0]?.nodePort ?? 0;
  const until = retryUntil(startedAt + options.timeoutMs, options);
  const crossNode = await until.passes(() => reachAcrossNodes(kubectl, pods));
  const serviceBackends = await until.passes(() => reachService(kubectl, pods, spec.clusterIP));
  const serviceNames = await until.passes(() => reachServiceByName(kubectl, pods));
  const nodePorts = await until.passes(() => reachNodePorts(pods, nodePort, options.signal));
  const seconds = (now() - startedAt) / 1000;
  return { pods: pods.length, crossNode, serviceBackends, serviceNames, nodePorts, retries: until.retries(), seconds };
}

/** Ready pods may still be unknown to another node's kube-proxy: a check is repeated until the time is up, and counted. */
function retryUntil(end: number, { now, signal }: Pick<WorkloadOptions, "now" | "signal">) {
  let retries = 0;
  return {
    retries: () => retries,
    async passes<T>(check: () => Promise<T>): Promise<T> {
      for (;;) {
        try {
          return await check();
        } catch (error) {
          if (signal.aborted || now() >= end) throw error;
        }
        retries += 1;
        await delay(250, undefined, { signal });
      }
    },
  };
}

async function listPods(kubectl: Kubectl): Promise<Pod[]> {
  const { items } = PodList.parse(
    JSON.parse(await kubectl(["get", "pods", "-l", `app=${workloadName}`, "-o", "json"])),
  );
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    node: spec.nodeName,
    address: status.podIP,
    hostAddress: status.hostIP,
  }));
}

/** Every pod asks every other node's pod. */
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

/** Asks through the cluster IP until every backend has answered; kube-proxy picks one at random each time. */
async function reachService(kubectl: Kubectl, pods: readonly Pod[], clusterIp: string): Promise<number> {
  const seen = new Set<string>();
  const from = pods.at(-1);
  if (!from) throw failed("there is no pod");
  const batch = Array.from({ length: pods.length * 8 }, () => `http://${clusterIp}/`);
  for (let attempt = 0; attempt < 8 && seen.size < pods.length; attempt += 1)
    for (const answer of await fetchInPod(kubectl, from, batch)) if (answer !== "") seen.add(answer);
  const missing = pods.filter((pod) => !seen.has(pod.node)).map((pod) => pod.node);
  if (missing.length > 0) throw failed(`the Service ${clusterIp} never answered from ${missing.join(", ")}`);
  return seen.size;
}

/** Every pod asks by the Service's short name: that takes DNS, and the search list that the kubelet gave the pod. */
async function reachServiceByName(kubectl: Kubectl, pods: readonly Pod[]): Promise<number> {
  const names = new Set(pods.map((pod) => pod.node));
  for (const pod of pods) {
    const [answer = ""] = await fetchInPod(kubectl, pod, [`http://${workloadName}/`]);
    if (!names.has(answer))
      throw failed(`the pod on ${pod.node} cannot reach the Service by its name: ${answer || "no answer"}`);
  }
  return pods.length;
}

/** One answer for each URL, empty where there is none; one exec for all, because starting it is what costs time. */
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

function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]), agent: false }, (response) => {
    text(response).then((body) => resolve(body.trim()), reject);
  }).on("error", (error) => reject(failed(`cannot reach ${url} from this host: ${error.message}`)));
  return promise;
}

const failed = (what: string) => new CliError(exitCodes.failed, `The workload does not answer: ${what}`);
