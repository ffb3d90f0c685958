import { createServer } from "node:https";
import type { ServerResponse } from "node:http";
import { parse } from "yaml";
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
  /** Whether the API server has created its cluster roles; true by default. */
  hasRoles: boolean;
  /** Creates the Node, as kubelet does. */
  addNode(name: string, options: { address: string; ready: boolean; podCidr?: string }): void;
  close(): Promise<void>;
}

export interface FakeKubernetesApiOptions {
  host?: string;
  /** A free one by default. */
  port?: number;
  /** Gives every Node a probe pod, which immediately reports that it resolves names. */
  runsPods?: boolean;
}

/** A fake API server: Nodes with a watch; it accepts any other object and checks no permissions. */
export async function startFakeKubernetesApi(
  tls: { certificate: string; key: string },
  options: FakeKubernetesApiOptions = {},
): Promise<FakeKubernetesApi> {
  const nodes = new Map<string, FakeNode>();
  const changes: string[] = [];
  const watchers = new Map<ServerResponse, URLSearchParams>();
  let version = 1;
  let reportUrl: string | undefined;
  const reportResolved = (node: string) => {
    if (reportUrl === undefined) return;
    // A client that has disconnected by then gets its pods created again.
    void fetch(`${reportUrl}/${node}`, { method: "POST", body: "resolved" }).catch(() => undefined);
  };
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
      if (url.pathname.includes("/clusterroles/system:") && !api.hasRoles) return send(404, { message: "not found" });
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
      if (options.runsPods && request.method === "PATCH" && url.pathname.endsWith("/daemonsets/sprout-probe")) {
        reportUrl = readReportUrl(body);
        for (const node of nodes.keys()) reportResolved(node);
      }
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
  const api: FakeKubernetesApi = {
    port: await listen(server, options),
    nodes,
    changes,
    hasRoles: true,
    addNode(name, { address, ready, podCidr }) {
      const conditions = [{ type: "Ready", status: ready ? "True" : "False", message: "no network yet" }];
      const node = {
        metadata: { name, resourceVersion: "" },
        spec: podCidr === undefined ? {} : { podCIDR: podCidr },
        status: { addresses: [{ type: "InternalIP", address }], conditions },
      };
      nodes.set(name, node);
      notify("ADDED", node);
      reportResolved(name);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

/** Supports the one field selector that clients use. */
function isSelected({ metadata }: FakeNode, query: URLSearchParams): boolean {
  const selector = query.get("fieldSelector");
  return selector === null || selector === `metadata.name=${metadata.name}`;
}

function readReportUrl(manifest: string): string | undefined {
  const probe = parse(manifest) as {
    spec: { template: { spec: { containers: { env: { name: string; value?: string }[] }[] } } };
  };
  return probe.spec.template.spec.containers[0]?.env.find(({ name }) => name === "REPORT_URL")?.value;
}
