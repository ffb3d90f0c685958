import { createServer } from "node:https";
import type { ServerResponse } from "node:http";
import { listen } from "./fake-metadata-server.ts";

interface FakeNode {
  metadata: { name: string; resourceVersion: string; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
  status: { addresses: { type: string; address: string }[]; conditions: object[] };
}

export interface FakeKubernetesApi {
  port: number;
  nodes: Map<string, FakeNode>;
  /** `METHOD path` of every change, in order. */
  changes: string[];
  /** A kubelet's work: the Node appears. */
  addNode(name: string, options: { address: string; ready: boolean }): void;
  close(): Promise<void>;
}

export interface FakeKubernetesApiOptions {
  host?: string;
  /** A free one where none is given. */
  port?: number;
  /** Every Node has a probe pod at the Node's own address, and kube-proxy; CoreDNS runs. */
  runsPods?: boolean;
}

/** A fake API server: Nodes with a watch, and everything else accepted as it comes. It checks no permissions. */
export async function startFakeKubernetesApi(
  tls: { certificate: string; key: string },
  options: FakeKubernetesApiOptions = {},
): Promise<FakeKubernetesApi> {
  const nodes = new Map<string, FakeNode>();
  const changes: string[] = [];
  const watchers = new Map<ServerResponse, URLSearchParams>();
  let version = 1;
  const notify = (type: string, object: FakeNode) => {
    object.metadata.resourceVersion = String(++version);
    for (const [watcher, query] of watchers)
      if (isSelected(object, query)) watcher.write(`${JSON.stringify({ type, object })}\n`);
  };
  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    const url = new URL(request.url ?? "/", "https://fake");
    const name = /^\/api\/v1\/nodes\/(.+)$/.exec(url.pathname)?.[1];
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.once("end", () => {
      if (url.pathname === "/readyz") return send(200, "ok");
      if (request.method !== "GET") changes.push(`${request.method} ${url.pathname}`);
      if (name !== undefined) {
        const node = nodes.get(name);
        if (node === undefined) return send(404, { message: "not found" });
        if (request.method === "PATCH") {
          const patch = JSON.parse(body) as Partial<FakeNode>;
          Object.assign(node.metadata, patch.metadata);
          Object.assign(node.spec, patch.spec);
          notify("MODIFIED", node);
        }
        return send(200, node);
      }
      if (options.runsPods && request.method === "GET" && url.pathname.endsWith("/pods"))
        return send(200, { items: [...nodes.values()].map(toProbePod) });
      if (options.runsPods && url.pathname.endsWith("/daemonsets/kube-proxy"))
        return send(200, { status: { numberAvailable: nodes.size, desiredNumberScheduled: nodes.size } });
      if (options.runsPods && url.pathname.endsWith("/deployments/coredns"))
        return send(200, { status: { availableReplicas: 1 } });
      if (url.pathname !== "/api/v1/nodes") return send(200, {});
      if (url.searchParams.has("watch")) {
        response.writeHead(200, { "content-type": "application/json" });
        response.flushHeaders();
        watchers.set(response, url.searchParams);
        const since = Number(url.searchParams.get("resourceVersion"));
        for (const object of nodes.values())
          if (isSelected(object, url.searchParams) && Number(object.metadata.resourceVersion) > since)
            response.write(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
        response.once("close", () => watchers.delete(response));
        return undefined;
      }
      const items = [...nodes.values()].filter((node) => isSelected(node, url.searchParams));
      return send(200, { metadata: { resourceVersion: String(version) }, items });
    });
  });
  return {
    port: await listen(server, options),
    nodes,
    changes,
    addNode(name, { address, ready }) {
      const conditions = [{ type: "Ready", status: ready ? "True" : "False", message: "no network yet" }];
      const node = {
        metadata: { name, resourceVersion: "" },
        spec: {},
        status: { addresses: [{ type: "InternalIP", address }], conditions },
      };
      nodes.set(name, node);
      notify("ADDED", node);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** By the only field selector that is asked for. */
function isSelected({ metadata }: FakeNode, query: URLSearchParams): boolean {
  const selector = query.get("fieldSelector");
  return selector === null || selector === `metadata.name=${metadata.name}`;
}

const toProbePod = ({ metadata, status }: FakeNode) => ({
  spec: { nodeName: metadata.name },
  status: { podIP: status.addresses[0]?.address },
});
