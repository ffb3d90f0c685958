import { Option } from "commander";
import type { Cluster } from "#api/cluster.ts";
import { CreateCluster } from "#api/create-cluster.ts";
import { parseFields } from "#api/field-errors.ts";
import { mayQuote } from "#api/secret-fields.ts";
import { withoutUndefined } from "#lib/without-undefined.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";
import { readGivenFile } from "../read-given-file.ts";
import { renderCluster } from "../display/cluster-view.ts";
import { proofAllowanceMs } from "../timeline/follow.ts";
import type { ClusterCommand } from "../action.ts";
import { displayOf, writeJson } from "../context.ts";
import { waitForCluster } from "./wait.ts";

/** As the command line names them; the fields of the request are checked by its schema. */
export interface CreateFlags {
  [attribute: string]: unknown;
  /** A file on the command line, its text in the request. */
  networkManifest?: string;
  idempotencyKey?: string;
  /** False: does not wait. */
  wait?: "ready" | "available" | false;
}

/** The flag of each field, so that a refusal names the flag that was typed. */
const clusterFlags: Record<string, string> = {
  nodes: "--nodes",
  controlPlanes: "--control-planes",
  workers: "--workers",
  nodePools: "--node-pool",
  highAvailability: "--high-availability",
  kubernetesVersion: "--kubernetes-version",
  join: "--join",
  virtualAddress: "--virtual-address",
  controlPlaneEndpoint: "--control-plane-endpoint",
  provider: "--provider",
  maxUnhealthy: "--max-unhealthy",
  ttlSeconds: "--ttl",
  deadlineSeconds: "--deadline",
  failedTtlSeconds: "--failed-ttl",
  labels: "--label",
};
const networkFlags: Record<string, string> = {
  manifest: "--network-manifest",
  baked: "--network-baked",
  ports: "--network-port",
  podSubnet: "--pod-subnet",
  serviceSubnet: "--service-subnet",
};

/** Returns the body of `POST /v1/clusters`. Throws CliError with exit code 2 and every invalid flag. */
export function toCreateCluster(name: string | undefined, flags: CreateFlags): Record<string, unknown> {
  const network = toFields(networkFlags, flags);
  if ("manifest" in network || "baked" in network) network["plugin"] = "manifest";
  const fields = toFields(clusterFlags, flags);
  const body = withoutUndefined({ name, ...fields, network: Object.keys(network).length > 0 ? network : undefined });
  const { errors } = parseFields(CreateCluster, body, { mayQuote });
  if (errors === undefined) return body;
  const lines = errors.map(({ pointer, detail }) => `  ${flagOf(pointer)}: ${nameFlags(detail)}`);
  throw new CliError(exitCodes.usage, ["Cannot create a cluster with these flags:", ...lines].join("\n"));
}

const toFields = (flagOfField: Record<string, string>, flags: CreateFlags): Record<string, unknown> =>
  withoutUndefined(
    Object.fromEntries(
      Object.entries(flagOfField).map(([field, flag]) => [field, flags[new Option(flag).attributeName()]]),
    ),
  );

function flagOf(pointer: string): string {
  const [field = "", part = ""] = pointer.split("/").slice(1);
  if (field === "name") return "NAME";
  return (field === "network" ? networkFlags[part] : clusterFlags[field]) ?? pointer;
}

/** Replaces field names in a message by flags; it may name another field than its own. */
const nameFlags = (message: string): string =>
  message.replaceAll(
    /\b(controlPlanes|nodePools|highAvailability|workers)\b/g,
    (field) => clusterFlags[field] ?? field,
  );

export async function createCluster(command: ClusterCommand<CreateFlags>, name: string | undefined): Promise<ExitCode> {
  const { client, context, flags } = command;
  const manifest =
    flags.networkManifest === undefined ? {} : { networkManifest: await readGivenFile(flags.networkManifest) };
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
    context.stdout.write(renderCluster(cluster, displayOf(context)));
    context.stderr.write(`\nWatch it: sprout clusters wait ${cluster.name}\n`);
  }
  return exitCodes.ok;
}

/** With provider external the operator launches the machines after this command, so there is nothing to wait for. */
const defaultWait = ({ provider }: Cluster) => (provider === "external" ? false : "available");

/** The server decides every cluster's fate by its deadline; this limit only counts if the server fails to. */
const waitAllowanceMs = (cluster: Cluster): number => (cluster.deadlineSeconds + 1200) * 1000;
