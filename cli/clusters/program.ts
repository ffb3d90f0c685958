import { Option } from "commander";
import { ClusterState } from "#api/cluster.ts";
import { JoinMode } from "#api/name.ts";
import { UserDataFormat } from "#api/user-data.ts";
import { waitConditions } from "#api/wait.ts";
import { createAction } from "../action.ts";
import { createApiClient } from "../client/api-client.ts";
import type { DefineCommand } from "../commands.ts";
import {
  collect,
  parseDurationSeconds,
  parseLabel,
  parseNodePool,
  parseNodePoolSize,
  parseWholeNumber,
} from "../flags.ts";

const cluster = "CLUSTER";
const clusterHelp = "id or name of the cluster";

/** `sprout clusters …`: clients of the HTTP API. */
export const defineClusters: DefineCommand = (clusters, context, end) => {
  const action = createAction(context, end, createApiClient);

  clusters
    .command("create")
    .description("create a cluster and wait until it is available")
    .argument("[NAME]", "a DNS label (chosen by the server)")
    .option("--nodes <N>", "number of machines; the server places the roles", parseWholeNumber)
    .option("--high-availability", "make three of --nodes control planes")
    .option("--control-planes <N>", "in place of --nodes: number of control planes, odd", parseWholeNumber)
    .option("--workers <N>", "with --control-planes: number of workers", parseWholeNumber)
    .option(
      "--node-pool <FIELDS>",
      "with --control-planes: further workers that are alike, as name=gpu,workers=2,image=gpu; repeatable",
      parseNodePool,
    )
    .option("--kubernetes-version <VERSION>", "such as v1.37.2 (the newest baked image's)")
    .addOption(new Option("--join <MODE>", "how workers join (certificate)").choices(JoinMode.options))
    .option("--provider <NAME>", "what launches the machines", "nspawn")
    .option("--ttl <DURATION>", "delete the cluster after this time, such as 24h", parseDurationSeconds)
    .option("--deadline <DURATION>", "fail the cluster if it is not ready after this time (180s)", parseDurationSeconds)
    .option("--failed-ttl <DURATION>", "keep the machines of a failed cluster this long (15m)", parseDurationSeconds)
    .option(
      "--max-unhealthy <N>",
      "replace members whose machines have terminated, while there are at most this many (0)",
      parseWholeNumber,
    )
    .option("--control-plane-endpoint <NAME:6443>", "an external load balancer for the API servers")
    .option("--virtual-address <ADDRESS|auto>", "an unused address that the control planes share, for the API servers")
    .option("--network-manifest <FILE>", "a CNI plugin's manifest, which replaces Sprout's routes")
    .option("--network-baked <NAME>", "the same, from the image (sprout image bake --network-manifest)")
    .option(
      "--network-port <PORT/PROTOCOL>",
      "a port that the plugin needs between nodes, such as 8472/udp; repeatable",
      collect,
    )
    .option("--pod-subnet <CIDR>", "the pods' addresses")
    .option("--service-subnet <CIDR>", "the services' addresses")
    .option("--label <KEY=VALUE>", "a label of the cluster; repeatable", parseLabel)
    .option("--idempotency-key <KEY>", "requests with the same key create one cluster")
    .addOption(
      new Option("--wait <CONDITION>", "show the timeline until this holds (available)").choices([
        "ready",
        "available",
      ]),
    )
    .option("--no-wait", "return at once; the default with provider external")
    .action(action(async () => (await import("./create.ts")).createCluster));

  clusters
    .command("list")
    .description("list clusters, newest first")
    .addOption(new Option("--state <STATE>", "only clusters in this state").choices(ClusterState.options))
    .option("--all", "include deleted clusters")
    .action(action(async () => (await import("./read.ts")).listClusters));

  clusters
    .command("get")
    .description("show a cluster and its machines")
    .argument(cluster, clusterHelp)
    .action(action(async () => (await import("./read.ts")).getCluster));

  clusters
    .command("wait")
    .description("show the timeline until a condition holds")
    .argument(cluster, clusterHelp)
    .addOption(new Option("--for <CONDITION>", "what to wait for").choices(waitConditions).default("available"))
    .option("--timeout <DURATION>", "longest wait; then exit code 4", parseDurationSeconds, 300)
    .action(action(async () => (await import("./wait.ts")).waitCommand));

  clusters
    .command("events")
    .description("print the timeline, one event a line (with --json: JSON lines)")
    .argument(cluster, clusterHelp)
    .option("--follow", "continue until the cluster is deleted")
    .action(action(async () => (await import("./read.ts")).printEvents));

  clusters
    .command("kubeconfig")
    .description("issue a short-lived kubeconfig")
    .argument(cluster, clusterHelp)
    .option("-o, --output <FILE>", "write to this file with mode 0600, not to stdout")
    .option("--ttl <DURATION>", "how long it is valid (1h)", parseDurationSeconds)
    .action(action(async () => (await import("./issue.ts")).printKubeconfig));

  clusters
    .command("user-data")
    .description(
      "issue user-data for a machine that you launch (provider external); earlier user-data is no longer valid",
    )
    .argument(cluster, clusterHelp)
    .argument("MEMBER", "the node's name, such as node01.build126.sprout.internal")
    .addOption(
      new Option("--format <FORMAT>", "json (EC2 user-data), seed (/etc/sprout/seed.json) or cloud-config")
        .choices(UserDataFormat.options)
        .default("json"),
    )
    .option("-o, --output <FILE>", "write to this file with mode 0600, not to stdout")
    .action(action(async () => (await import("./issue.ts")).printUserData));

  clusters
    .command("extend")
    .description("change when a cluster is deleted")
    .argument(cluster, clusterHelp)
    .requiredOption("--ttl <DURATION>", "delete the cluster this long from now, such as 24h", parseDurationSeconds)
    .action(action(async () => (await import("./extend.ts")).extendCluster));

  clusters
    .command("attach")
    .description("attach nodes to a ready cluster and wait until they are Ready")
    .argument(cluster, clusterHelp)
    .option("--workers <N>", "number of workers", parseWholeNumber)
    .option("--control-planes <N>", "number of control planes, which join one after another", parseWholeNumber)
    .option("--node-pool <POOL>", "of the workers (default)")
    .option("--idempotency-key <KEY>", "requests with the same key attach once")
    .option("--no-wait", "return at once; the default with provider external")
    .option("--timeout <DURATION>", "longest wait; then exit code 4", parseDurationSeconds, 1200)
    .action(action(async () => (await import("./attach.ts")).attachMembers));

  clusters
    .command("scale")
    .description("attach or detach workers until node pools of a ready cluster have that many")
    .argument(cluster, clusterHelp)
    .argument(
      "POOL=N...",
      "number of workers of a node pool, such as gpu=4; default is the plain workers' pool",
      parseNodePoolSize,
    )
    .option("--drain-timeout <DURATION>", "longest wait for pods to end; 0s evicts none", parseDurationSeconds, 300)
    .option("--force", "remove a node even if pods are left when the time is up")
    .option("--no-wait", "return at once; the default with provider external")
    .option("--timeout <DURATION>", "longest wait; then exit code 4", parseDurationSeconds, 1200)
    .action(action(async () => (await import("./scale.ts")).scaleNodePools));

  clusters
    .command("detach")
    .description("drain nodes of a ready cluster, terminate their machines and remove them")
    .argument(cluster, clusterHelp)
    .argument("MEMBER...", "names, such as node02")
    .option("--drain-timeout <DURATION>", "longest wait for pods to end; 0s evicts none", parseDurationSeconds, 300)
    .option("--force", "remove a node even if pods are left when the time is up")
    .option("--no-wait", "return at once")
    .option("--timeout <DURATION>", "longest wait; then exit code 4", parseDurationSeconds, 1200)
    .action(action(async () => (await import("./detach.ts")).detachMembers));

  clusters
    .command("delete")
    .description("terminate a cluster's machines and erase its secrets")
    .argument(cluster, clusterHelp)
    .option("--wait", "wait until it is deleted")
    .option("--timeout <DURATION>", "longest wait; then exit code 4", parseDurationSeconds, 120)
    .action(action(async () => (await import("./delete.ts")).deleteCluster));
};
