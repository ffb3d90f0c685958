import type {
  KubernetesAnswer,
  KubernetesCall,
  OpenKubernetesApi,
} from "../../metadata-server/kubernetes/api-client.ts";

type Fault = (call: KubernetesCall) => KubernetesAnswer | undefined;

export interface FakeDrainedCluster {
  open: OpenKubernetesApi;
  /** Nodes by name. */
  nodes: Map<string, { isReady: boolean; isCordoned: boolean }>;
  /** Pods by name, in namespace `default`; an eviction removes one. */
  pods: Map<string, { node: string; kind?: string; isStatic?: boolean; phase?: string; isEnding?: boolean }>;
  etcdMembers: Map<string, string>;
  /** Method and path of each call, with the servers that were to be asked. */
  calls: string[];
  servers: string[][];
  /** Answers in place of the fake, or throws as an API that is out of reach. */
  fault: Fault;
}

const ok = (body: unknown = {}): KubernetesAnswer => ({ status: 200, body });
const missing: KubernetesAnswer = { status: 404, body: { message: "not found" } };

/** A fake API server and etcd that keep nodes, pods and members in maps, to inject faults into a detachment. */
export function createFakeDrainedCluster(): FakeDrainedCluster {
  const fake: FakeDrainedCluster = {
    open: ({ servers }) => {
      fake.servers.push([...servers]);
      return { call: async (call) => answer(fake, call), [Symbol.dispose]: () => undefined };
    },
    nodes: new Map(),
    pods: new Map(),
    etcdMembers: new Map(),
    calls: [],
    servers: [],
    fault: () => undefined,
  };
  return fake;
}

function answer(fake: FakeDrainedCluster, call: KubernetesCall): KubernetesAnswer {
  const { method, path, body } = call;
  fake.calls.push(`${method} ${path.split("?")[0]}`);
  const injected = fake.fault(call);
  if (injected !== undefined) return injected;
  const [, node] = /^\/api\/v1\/nodes\/(.+)$/.exec(path) ?? [];
  if (node !== undefined) return answerNode(fake, { method, node, body });
  if (path.startsWith("/api/v1/pods?")) return ok(listPods(fake, path));
  const [, evicted] = /^\/api\/v1\/namespaces\/default\/pods\/(.+)\/eviction$/.exec(path) ?? [];
  if (evicted !== undefined) return fake.pods.delete(evicted) ? { status: 201, body: {} } : missing;
  if (path === "/v3/cluster/member/list") return ok({ members: listMembers(fake) });
  if (path === "/v3/cluster/member/remove") {
    fake.etcdMembers.delete((body as { ID: string }).ID);
    return ok();
  }
  return missing;
}

function answerNode(
  { nodes }: FakeDrainedCluster,
  { method, node, body }: { method: string; node: string; body: object | undefined },
): KubernetesAnswer {
  const known = nodes.get(node);
  if (known === undefined) return missing;
  if (method === "DELETE") nodes.delete(node);
  if (method === "PATCH")
    known.isCordoned = (body as { spec: { unschedulable: boolean | null } }).spec.unschedulable === true;
  return ok({
    spec: { unschedulable: known.isCordoned },
    status: { conditions: [{ type: "Ready", status: known.isReady ? "True" : "Unknown" }] },
  });
}

/** Pages of `limit`; the token to continue is the place of the next one. */
function listPods({ pods }: FakeDrainedCluster, path: string) {
  const { searchParams } = new URL(path, "https://fake");
  const node = /^spec\.nodeName=([^,]+)/.exec(searchParams.get("fieldSelector") ?? "")?.[1];
  const own = Array.from(pods, ([name, pod]) => ({ name, ...pod })).filter((pod) => pod.node === node);
  const from = Number(searchParams.get("continue") ?? 0);
  const to = from + Number(searchParams.get("limit"));
  const items = own.slice(from, to).map(({ name, kind = "ReplicaSet", isStatic, phase = "Running", isEnding }) => ({
    metadata: {
      name,
      namespace: "default",
      uid: `uid-of-${name}`,
      ownerReferences: [{ kind, controller: true }],
      ...(isStatic && { annotations: { "kubernetes.io/config.mirror": "hash" } }),
      ...(isEnding && { deletionTimestamp: "2026-01-02T03:04:05Z" }),
    },
    status: { phase },
  }));
  return { metadata: { continue: to < own.length ? String(to) : "" }, items };
}

const listMembers = ({ etcdMembers }: FakeDrainedCluster) =>
  Array.from(etcdMembers, ([ID, address]) => ({ ID, name: ID, peerURLs: [`https://${address}:2380`] }));
