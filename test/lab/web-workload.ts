import { setTimeout as sleep } from "node:timers/promises";
import type { Kubectl } from "../../cli/demo/kubectl.ts";

const name = "web";
const labels = { app: name };

/** Web servers that end as Kubernetes recommends: they answer until every node has taken them off its list. */
const manifests = (replicas: number) => ({
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 8,
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: "kubernetes.io/hostname",
                whenUnsatisfiable: "ScheduleAnyway",
                labelSelector: { matchLabels: labels },
              },
            ],
            containers: [
              {
                name,
                image: "localhost/sprout/busybox:1",
                imagePullPolicy: "Never",
                command: ["sh", "-c", "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www"],
                ports: [{ containerPort: 8080 }],
                readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
                lifecycle: { preStop: { exec: { command: ["sleep", "4"] } } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name },
      spec: { selector: { matchLabels: labels }, maxUnavailable: "50%" },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { type: "NodePort", selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ],
});

export interface WebClient {
  /** Stops, and returns how many requests were answered, answered by a retry only, and not answered at all. */
  stop(): Promise<{ answered: number; retried: number; lost: number }>;
}

/** Starts the web servers and, once all are ready, a client that requests them by a node's port without a pause. */
export async function startWebWorkload(
  kubectl: Kubectl,
  { replicas, nodeAddress }: { replicas: number; nodeAddress: string },
): Promise<WebClient> {
  await kubectl(["apply", "-f", "-"], { input: JSON.stringify(manifests(replicas)) });
  await kubectl(["rollout", "status", `deployment/${name}`, "--timeout=200s"]);
  const port = await kubectl(["get", "service", name, "-o", "jsonpath={.spec.ports[0].nodePort}"]);
  const url = `http://${nodeAddress}:${port}/`;
  const answers = () =>
    fetch(url, { signal: AbortSignal.timeout(3000), headers: { connection: "close" } }).then(
      async (response) => response.ok && (await response.text()) !== "",
      () => false,
    );
  const counts = { answered: 0, retried: 0, lost: 0 };
  const stopping = new AbortController();
  const request = async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (await answers()) {
        counts[attempt === 0 ? "answered" : "retried"] += 1;
        return;
      }
      await sleep(100);
    }
    counts.lost += 1;
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await request();
      await sleep(20);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      return counts;
    },
  };
}
