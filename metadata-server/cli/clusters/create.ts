import { readFile } from "node:fs/promises";
import { CreateCluster, type Cluster } from "#api/cluster.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";
import { renderCluster } from "../display/cluster-view.ts";
import { styleOf } from "../context.ts";
import { proofAllowanceMs } from "../timeline/follow.ts";
import { writeJson, type ClusterCommand } from "./command.ts";
import { waitForCluster } from "./wait.ts";

export interface CreateFlags {
  nodes?: number;
  controlPlanes?: number;
  workers?: number;
  highAvailability?: boolean;
  kubernetesVersion?: string;
  join?: string;
  provider: string;
  ttl?: number;
  deadline?: number;
  failedTtl?: number;
  /** The command line's is a file, the request's its text. */
  networkManifest?: string;
  networkBaked?: string;
  networkPort?: string[];
  podSubnet?: string;
  serviceSubnet?: string;
  label?: Record<string, string>;
  idempotencyKey?: string;
  /** `false`: not at all. */
  wait?: "ready" | "available" | false;
}

/** Where each field of the request comes from, so that a refusal names the flag that was typed. */
const flagOf: Record<string, string> = {
  name: "NAME",
  nodes: "--nodes",
  controlPlanes: "--control-planes",
  workers: "--workers",
  highAvailability: "--high-availability",
  kubernetesVersion: "--kubernetes-version",
  join: "--join",
  provider: "--provider",
  ttlSeconds: "--ttl",
  deadlineSeconds: "--deadline",
  failedTtlSeconds: "--failed-ttl",
  "network/manifest": "--network-manifest",
  "network/baked": "--network-baked",
  "network/ports": "--network-port",
  "network/podSubnet": "--pod-subnet",
  "network/serviceSubnet": "--service-subnet",
  labels: "--label",
};

/** Flags → the body of `POST /v1/clusters`; every invalid flag is named at once, with exit code 2. */
export function toCreateCluster(name: string | undefined, flags: CreateFlags): Record<string, unknown> {
  const body = withoutUndefined({
    name,
    nodes: flags.nodes,
    controlPlanes: flags.controlPlanes,
    workers: flags.workers,
    highAvailability: flags.highAvailability,
    kubernetesVersion: flags.kubernetesVersion,
    join: flags.join,
    provider: flags.provider,
    ttlSeconds: flags.ttl,
    deadlineSeconds: flags.deadline,
    failedTtlSeconds: flags.failedTtl,
    network: toNetwork(flags),
    labels: flags.label,
  });
  const result = CreateCluster.safeParse(body);
  if (result.success) return body;
  const lines = result.error.issues.map((issue) => {
    const field = issue.path.map(String);
    const flag = flagOf[field.slice(0, 2).join("/")] ?? flagOf[field[0] ?? ""] ?? field.join("/");
    return `  ${flag}: ${nameFlags(issue.message)}`;
  });
  throw new CliError(exitCodes.usage, ["Cannot create a cluster with these flags:", ...lines].join("\n"));
}

function toNetwork({ networkManifest, networkBaked, networkPort, podSubnet, serviceSubnet }: CreateFlags) {
  const plugin = networkManifest === undefined && networkBaked === undefined ? undefined : "manifest";
  const network = withoutUndefined({
    plugin,
    manifest: networkManifest,
    baked: networkBaked,
    ports: networkPort,
    podSubnet,
    serviceSubnet,
  });
  return Object.keys(network).length > 0 ? network : undefined;
}

/** A message about two fields names the other one too. */
const nameFlags = (message: string): string =>
  message.replaceAll(/\b(controlPlanes|workers|highAvailability)\b/g, (field) => flagOf[field] ?? field);

async function readManifest(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CliError(exitCodes.usage, `Cannot read --network-manifest: ${(error as Error).message}`);
  }
}

const withoutUndefined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export async function createCluster(command: ClusterCommand<CreateFlags>, name: string | undefined): Promise<ExitCode> {
  const { client, context, flags } = command;
  const manifest =
    flags.networkManifest === undefined ? {} : { networkManifest: await readManifest(flags.networkManifest) };
  const body = toCreateCluster(name, { ...flags, ...manifest });
  const cluster = await client.create(body, { idempotencyKey: flags.idempotencyKey });
  const condition = flags.wait ?? defaultWait(cluster);
  if (condition !== false) {
    const exitCode = await waitForCluster(command, cluster, {
      condition,
      timeoutMs: waitAllowanceMs(cluster),
      proofTimeoutMs: proofAllowanceMs,
    });
    if (exitCode === exitCodes.ok)
      context.stderr.write(`\nUse it: sprout clusters kubeconfig ${cluster.name} -o kubeconfig\n`);
    return exitCode;
  }
  if (flags.json) writeJson(context, cluster);
  else {
    context.stdout.write(renderCluster(cluster, { now: context.now(), style: styleOf(context, context.stdout) }));
    context.stderr.write(`\nWatch it come up: sprout clusters wait ${cluster.name}\n`);
  }
  return exitCodes.ok;
}

/** Machines of provider external wait for the operator, who launches them with what is issued after this command. */
const defaultWait = ({ provider }: Cluster) => (provider === "external" ? false : "available");

/** The server ends every cluster's wait itself; this only ends ours where the server does not. */
const waitAllowanceMs = (cluster: Cluster): number => (cluster.deadlineSeconds + 1200) * 1000;
