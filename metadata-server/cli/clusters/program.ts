import { Option, type Command } from "commander";
import { ClusterState } from "#api/cluster.ts";
import { JoinMode } from "#api/name.ts";
import { UserDataFormat } from "#api/user-data.ts";
import { waitConditions } from "#api/wait.ts";
import type { CliContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { collect, parseDurationSeconds, parseLabel, parseWholeNumber } from "../flags.ts";
import { clusterAction } from "./command.ts";
import { createCluster, type CreateFlags } from "./create.ts";
import { deleteCluster, type DeleteFlags } from "./delete.ts";
import { extendCluster, type ExtendFlags } from "./extend.ts";
import { printKubeconfig, type KubeconfigFlags } from "./kubeconfig.ts";
import { getCluster, listClusters, printEvents } from "./read.ts";
import { printUserData, type UserDataFlags } from "./user-data.ts";
import { waitCommand, type WaitFlags } from "./wait.ts";

const cluster = "CLUSTER";
const clusterHelp = "the cluster's id or name";

/** `sprout clusters …`: every command is a client of the HTTP API. */
export function addClusterCommands(program: Command, context: CliContext, end: (code: ExitCode) => void): void {
  const clusters = program.command("clusters").description("create, watch, use and delete clusters");

  clusters
    .command("create")
    .description("create a cluster and wait until it is of use")
    .argument("[NAME]", "a DNS label; made up by the server if not given")
    .option("--nodes <N>", "machines in all; roles are placed by themselves", parseWholeNumber)
    .option("--high-availability", "three control planes among --nodes")
    .option("--control-planes <N>", "instead of --nodes: control planes, an odd number", parseWholeNumber)
    .option("--workers <N>", "with --control-planes: workers", parseWholeNumber)
    .option("--kubernetes-version <VERSION>", "such as v1.37.2; the newest baked image if not given")
    .addOption(new Option("--join <MODE>", "how workers join (certificate)").choices(JoinMode.options))
    .option("--provider <NAME>", "where machines come from", "nspawn")
    .option("--ttl <DURATION>", "delete the cluster after this time, such as 24h", parseDurationSeconds)
    .option("--deadline <DURATION>", "fail the cluster if it is not ready by then (180s)", parseDurationSeconds)
    .option("--failed-ttl <DURATION>", "keep a failed cluster's machines this long (15m)", parseDurationSeconds)
    .option("--network-manifest <FILE>", "a CNI plugin's manifest, in the place of Sprout's own routes")
    .option("--network-baked <NAME>", "the same, from the image (sprout image bake --network-manifest)")
    .option("--network-port <PORT/PROTOCOL>", "of its plugin between nodes, as 8472/udp; may be repeated", collect)
    .option("--pod-subnet <CIDR>", "addresses of pods")
    .option("--service-subnet <CIDR>", "addresses of services")
    .option("--label <KEY=VALUE>", "may be repeated", parseLabel)
    .option("--idempotency-key <KEY>", "the same key creates the same cluster, however often it is sent")
    .addOption(
      new Option("--wait <CONDITION>", "show the timeline until the cluster is that (available)").choices([
        "ready",
        "available",
      ]),
    )
    .option("--no-wait", "only ask for the cluster; the default with provider external")
    .action(clusterAction<CreateFlags>(context, end, createCluster));

  clusters
    .command("list")
    .description("list clusters, newest first")
    .addOption(new Option("--state <STATE>", "only clusters in this state").choices(ClusterState.options))
    .option("--all", "deleted clusters too")
    .action(clusterAction<{ state?: ClusterState; all?: boolean }>(context, end, listClusters));

  clusters
    .command("get")
    .description("show one cluster and its machines")
    .argument(cluster, clusterHelp)
    .action(clusterAction(context, end, getCluster));

  clusters
    .command("wait")
    .description("show the timeline and wait")
    .argument(cluster, clusterHelp)
    .addOption(new Option("--for <CONDITION>", "what to wait for").choices(waitConditions).default("available"))
    .option("--timeout <DURATION>", "longest wait; exit code 4 after it", parseDurationSeconds, 300)
    .action(clusterAction<WaitFlags>(context, end, waitCommand));

  clusters
    .command("events")
    .description("print the timeline, an event a line (with --json: JSON lines)")
    .argument(cluster, clusterHelp)
    .option("--follow", "go on until the cluster is deleted")
    .action(clusterAction<{ follow?: boolean }>(context, end, printEvents));

  clusters
    .command("kubeconfig")
    .description("mint a short-lived kubeconfig")
    .argument(cluster, clusterHelp)
    .option("-o, --output <FILE>", "write it there, mode 0600, instead of to stdout")
    .option("--ttl <DURATION>", "how long it is valid (1h)", parseDurationSeconds)
    .action(clusterAction<KubeconfigFlags>(context, end, printKubeconfig));

  clusters
    .command("user-data")
    .description("issue what a machine of provider external starts with; what was issued before is void")
    .argument(cluster, clusterHelp)
    .argument("MEMBER", "the node's name, such as node01.build126.sprout.internal")
    .addOption(
      new Option("--format <FORMAT>", "json as EC2's user-data, seed for /etc/sprout/seed.json, or cloud-config")
        .choices(UserDataFormat.options)
        .default("json"),
    )
    .option("-o, --output <FILE>", "write it there, mode 0600, instead of to stdout")
    .action(clusterAction<UserDataFlags>(context, end, printUserData));

  clusters
    .command("extend")
    .description("move the end of a cluster's time to live")
    .argument(cluster, clusterHelp)
    .requiredOption("--ttl <DURATION>", "delete the cluster this long from now, such as 24h", parseDurationSeconds)
    .action(clusterAction<ExtendFlags>(context, end, extendCluster));

  clusters
    .command("delete")
    .description("end every machine of a cluster and wipe its secrets")
    .argument(cluster, clusterHelp)
    .option("--wait", "until nothing is left")
    .option("--timeout <DURATION>", "longest wait; exit code 4 after it", parseDurationSeconds, 120)
    .action(clusterAction<DeleteFlags>(context, end, deleteCluster));
}
