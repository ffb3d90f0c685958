import { readdir, readFile } from "node:fs/promises";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "#api/cluster.ts";
import { persist } from "./persist.ts";
import type { ServerControl } from "./server-control.ts";
import type { SimulatedKubernetes } from "./simulated-kubernetes.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { listSimulatedMachines } from "./simulated-provider.ts";

/** A promise that was not kept. */
export interface Violation {
  promise: string;
  seen: string;
}

export interface Looked {
  server: ServerControl;
  folder: string;
  cluster: Cluster;
  nodes: SimulatedNode[];
  kubernetes: SimulatedKubernetes;
}

/** Checks a ready or failed cluster from outside, and deletes it. */
export async function findViolations(looked: Looked): Promise<{ violations: Violation[]; final: Cluster }> {
  const { server, cluster } = looked;
  const violations: Violation[] = [];
  const expect = (promise: string, holds: boolean, seen: unknown) => {
    if (!holds) violations.push({ promise, seen: typeof seen === "string" ? seen : JSON.stringify(seen) });
  };
  const members = cluster.members.map(({ name }) => name);

  const machines = await machinesOf(looked);
  expect("no machine is lost or doubled", same(machines.toSorted(), members.toSorted()), { machines, members });

  for (const node of looked.nodes) {
    const holder = await certificateHolder(node.root);
    const holds = holder === undefined || holder === `system:node:${node.spec.name}`;
    expect("a machine holds its own credentials only", holds, { node: node.spec.name, holder });
  }

  if (cluster.state === "ready") {
    const joined = looked.kubernetes.nodes();
    expect("every node of a ready cluster has joined", same(joined.toSorted(), members.toSorted()), {
      joined,
      members,
    });
    for (const node of looked.nodes) {
      const status = await persist(() => claimAgain(server, node));
      expect("a capability is dead once the cluster is ready", status === 409, { node: node.spec.name, status });
    }
    const kubeconfig = await persist(() => server.client().kubeconfig(cluster.id));
    expect("a ready cluster has a kubeconfig", kubeconfig.includes("client-certificate-data"), kubeconfig.slice(0, 80));
  } else expect("a failed cluster says why", (cluster.failure?.message ?? "") !== "", cluster.failure);

  const sequences: number[] = [];
  for await (const { sequence } of server.client().events(cluster.id, { follow: false })) sequences.push(sequence);
  const gapless = sequences.every((sequence, index) => sequence === index + 1);
  expect("the timeline has no gaps and nothing twice", gapless, sequences);

  const final = await persist(() => server.client().get(cluster.id));
  expect("ready and failed are for good", final.state === cluster.state, { was: cluster.state, is: final.state });

  await persist(() => server.client().delete(cluster.id));
  const left = await waitUntilGone(looked);
  expect("a deleted cluster leaves no machine", left.length === 0, left);
  return { violations, final };
}

const machinesOf = async ({ folder, cluster }: Looked) =>
  (await listSimulatedMachines(folder)).filter(({ clusterId }) => clusterId === cluster.id).map(({ name }) => name);

async function waitUntilGone(looked: Looked): Promise<string[]> {
  for (let tries = 0; tries < 400; tries++) {
    const { state } = await persist(() => looked.server.client().get(looked.cluster.id));
    if (state === "deleted") break;
    await sleep(25);
  }
  const segments = await readdir(join(looked.folder, "segments"));
  const owners = await Promise.all(segments.map((name) => readFile(join(looked.folder, "segments", name), "utf8")));
  return [...(await machinesOf(looked)), ...owners.filter((owner) => owner === looked.cluster.id)];
}

/** The name in the kubelet's certificate, if the machine has one. */
async function certificateHolder(root: string): Promise<string | undefined> {
  const file = join(root, "var/lib/kubelet/pki/kubelet-client-current.pem");
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : /CN=(.*)/.exec(new X509Certificate(text).subject)?.[1];
}

/** A claim with the machine's own capability and MAC, as an attacker with its seed would make it. */
async function claimAgain(server: ServerControl, { spec }: SimulatedNode): Promise<number> {
  const body = JSON.stringify({ allocation: spec.allocation, hardware: { macs: [spec.mac] } });
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${spec.seed.capability}`, "content-type": "application/json" };
    const options = { method: "POST", ca: server.ca(), headers, timeout: 5000 };
    request(new URL("/node/v1/claim", server.url()), options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .once("error", reject)
      .end(body);
  });
}

const same = (left: string[], right: string[]) => JSON.stringify(left) === JSON.stringify(right);
