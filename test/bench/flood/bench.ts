import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createNamespaces, type Namespace } from "../../fixtures/namespaces.ts";
import { clientAddress, type NamespaceServer, serveInNamespace } from "../../fixtures/serve-in-namespace.ts";
import { cpuSecondsOf } from "../cpu-time.ts";
import type { Attacked, AttackOptions } from "./attack.ts";
import { createExternalNodes, type ExternalNode } from "./external-nodes.ts";
import type { Probed, ProbeOptions } from "./probe.ts";
import { type Latency, latencyOf } from "./latency.ts";

export interface FloodPart {
  name: string;
  attacked: Attacked;
  healthz: Latency;
  claim: Latency;
  failures: string[];
  seconds: number;
  /** Of the server. */
  cpuSeconds: number;
}

export interface FloodBench {
  parts: FloodPart[];
  goalMs: number;
  /** Files that one process may open here. The server shares them among its listeners. */
  openFiles: number;
}

const goalMs = 200;
const [attacker, honest] = [clientAddress(0), clientAddress(1)];
const script = (name: string) => join(import.meta.dirname, `${name}.ts`);

/** Twice as many processes as one may have files open, so that the connections are really tried. */
const connections = 20_000;
const connectionProcesses = 4;
const junkRequests = 50_000;
const hostileBodies = 200;

/** A real `sprout serve`, attacked from an address that is not loopback's, while another address asks it. */
export async function benchFlood(onProgress: (text: string) => void): Promise<FloodBench> {
  const namespaces = createNamespaces();
  const folder = await mkdtemp(join(tmpdir(), "sprout-flood-"));
  try {
    const namespace = await namespaces.create();
    const flags = ["--external-server-url", "https://10.30.0.1:8443", "--external-kubernetes-versions", "v1.37.2"];
    const server = await serveInNamespace(namespace, { folder, flags });
    const [asking, spare] = await createExternalNodes(namespace, { server, folder, source: honest });
    const common = { target: server.api, source: attacker, caFile: server.caFile };
    const share = { ...common, kind: "connections" as const, count: connections / connectionProcesses };
    const parts: [string, AttackOptions[]][] = [
      ["no attack", []],
      [`${connections} connections`, Array.from({ length: connectionProcesses }, () => share)],
      [`${junkRequests} junk requests`, [{ ...common, kind: "requests", count: junkRequests }]],
      [
        `${hostileBodies} bodies of 64 KiB`,
        [{ ...common, kind: "json", count: hostileBodies, token: spare.capability }],
      ],
    ];
    const measured: FloodPart[] = [];
    for (const [name, attacks] of parts) {
      onProgress(`flood: ${name}`);
      measured.push({ name, ...(await measure(namespace, { server, asking, attacks })) });
    }
    const limits = await readFile("/proc/self/limits", "utf8");
    return { parts: measured, goalMs, openFiles: Number(/^Max open files +(\d+)/m.exec(limits)?.[1]) };
  } finally {
    await namespaces.close();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  server: NamespaceServer;
  asking: ExternalNode;
  attacks: AttackOptions[];
}

async function measure(namespace: Namespace, { server, asking, attacks }: Measured): Promise<Omit<FloodPart, "name">> {
  const options: ProbeOptions = { target: server.api, source: honest, caFile: server.caFile, ...asking };
  const probe = start(namespace, "probe", options);
  const [started, cpuBefore] = [performance.now(), await cpuSecondsOf(server.pid)];
  const running = attacks.map((attack) => start(namespace, "attack", attack));
  const results = await Promise.all(running.map(async ({ line }) => JSON.parse(await line) as Attacked));
  // The connections stay open for a while, and without an attack there is something to measure, too.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const cpuSeconds = (await cpuSecondsOf(server.pid)) - cpuBefore;
  const seconds = (performance.now() - started) / 1000;
  probe.child.stdin?.end();
  for (const { child } of running) child.stdin?.end();
  const { healthz, claim, failures } = JSON.parse(await probe.line) as Probed;
  await Promise.all(running.map(async ({ exited }) => exited));
  return {
    attacked: sum(results),
    healthz: latencyOf(healthz),
    claim: latencyOf(claim),
    failures,
    seconds,
    cpuSeconds,
  };
}

/** The attackers get what processor time the server and the honest client leave, as if they had their own. */
function start(namespace: Namespace, name: "probe" | "attack", options: object) {
  const nice = name === "attack" ? ["-n", "19"] : ["-n", "0"];
  const child = namespace.start("nice", [...nice, process.execPath, script(name), JSON.stringify(options)]);
  const line = once(createInterface(child.stdout!), "line").then(([text]) => String(text));
  return { child, line, exited: once(child, "exit") };
}

function sum(results: readonly Attacked[]): Attacked {
  const total: Attacked = {};
  for (const [result, count] of results.flatMap((each) => Object.entries(each)))
    total[result] = (total[result] ?? 0) + count;
  return total;
}
