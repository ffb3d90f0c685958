import { setTimeout as sleep } from "node:timers/promises";
import type { ConfigFlags } from "../../metadata-server/config.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { startLoadBalancer } from "../fixtures/load-balancer.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { type ServerControl, startServerProcess } from "../simulation/server-control.ts";
import { send } from "./light-node.ts";

export interface Replicas {
  servers: readonly [ServerControl, ServerControl, ServerControl];
  /** Simulated machines of all of them. */
  folder: string;
  /** One call of the cluster API, through the load balancer. */
  ask(
    path: string,
    options?: { body?: object; headers?: Record<string, string> },
  ): Promise<{ status: number; text: string }>;
  destroy(): Promise<void>;
}

interface ReplicasOptions {
  /** First two octets of the machines' addresses. */
  prefix: string;
  settings: ConfigFlags;
}

const { signal } = new AbortController();

/** Three real servers with the same keys and simulated machines, behind a real HAProxy without stickiness. */
export async function startReplicas({ prefix, settings }: ReplicasOptions): Promise<Replicas> {
  const folder = await temporaryFolder("replicas");
  const ports = [await findFreePort(), await findFreePort(), await findFreePort()] as const;
  const balancer = await startLoadBalancer(ports);
  const serverUrl = `https://127.0.0.1:${balancer.port}`;
  const start = (port: number) =>
    startServerProcess({ folder, prefix, serverUrl, provisionAllowanceMs: 120_000, settings, port });
  // The first one makes the keys that all of them use.
  const first = await start(ports[0]);
  const servers = [first, await start(ports[1]), await start(ports[2])] as const;
  const replicas: Replicas = {
    servers,
    folder,
    ask: (path, options = {}) =>
      send(new URL(path, serverUrl), { token: first.token(), ca: first.ca(), signal, ...options }),
    async destroy() {
      await Promise.all(servers.map((server) => server.close()));
      await balancer.destroy();
    },
  };
  const isReady = () =>
    replicas.ask("/readyz").then(
      ({ status }) => status === 200,
      () => false,
    );
  while (!(await isReady())) await sleep(100);
  return replicas;
}
