import type { Command } from "commander";
import type { DefineCommand } from "../commands.ts";
import type { ServeFlags } from "./run-server.ts";

const help = `
Environment:
  Each option but --ephemeral has a variable with the option's name, such as SPROUT_EC2_REGION for --ec2-region. Give the URL
  of a store with a password as SPROUT_STORE, because other users of this host can read a command line.`;

/** `sprout serve`: runs the metadata server in this process until SIGINT or SIGTERM. */
export const defineServe: DefineCommand = (serve, context) => {
  serve
    .option("--port <PORT>", "port of the API (8443)")
    .option("--listen-address <ADDRESS>", "address of the API (0.0.0.0)")
    .option("--http-listen <ADDRESS:PORT>", "plain HTTP for network boot and cloud-init, on a separate network (none)")
    .option("--dhcp <MODE>", "run dnsmasq: own, proxy (next to another DHCP server) or http (none)")
    .option("--dhcp-interface <NAME>", "its interface on the machines' network")
    .option("--dhcp-range <FIRST-LAST>", "addresses for machines (own, http)")
    .option("--dhcp-router <ADDRESS>", "the machines' router (none)")
    .option("--dhcp-name-server <ADDRESS>", "the machines' name server (none)")
    .option("--ipxe-dir <DIR>", "folder of undionly.kpxe and snponly.efi (/usr/lib/ipxe)")
    .option("--cache-dir <DIR>", "baked images and Kubernetes binaries (/var/cache/sprout)")
    .option("--base-domain <DOMAIN>", "domain of the nodes' names (sprout.internal)")
    .option("--nspawn-subnet <CIDR>", "a /16 for the machines on this host (10.77.0.0/16)")
    .option("--server-names <NAMES>", "comma-separated: further names in the server's certificate")
    .option("--deleted-retention-seconds <N>", "how long deleted clusters stay readable (86400)")
    .option("--connections-per-address <N>", "open connections of one client address; half on plain HTTP (2048)")
    .option("--requests-per-address <N>", "requests a second of one client address (200)")
    .option("--drain-seconds <N>", "how long to answer after SIGTERM, for a load balancer to notice /readyz (0)")
    .option("--audit-entries <N>", "length of the audit log (100000)")
    .option(
      "--store <STORE>",
      "sqlite (a file in the data directory), or the URL of a Redis, such as redis+sentinel://HOST,HOST,HOST/NAME (sqlite)",
    )
    .option(
      "--ec2-region <REGION>",
      "launch EC2 instances in this region (none); credentials as the AWS SDK finds them",
    )
    .option(
      "--ec2-images <IMAGE=AMI,…>",
      "an AMI for each Kubernetes version, such as v1.37.2=ami-…; also v1.37.2-gpu=ami-… for node pools",
    )
    .option("--ec2-subnets <IDS>", "comma-separated, one a zone; each cluster is in one")
    .option("--ec2-security-groups <IDS>", "comma-separated, for every instance")
    .option("--ec2-instance-types <TYPES>", "comma-separated, the next if one has no capacity")
    .option("--ec2-control-plane-instance-types <TYPES>", "the same for control planes (as for workers)")
    .option(
      "--ec2-node-pool-instance-types <TYPES>",
      "comma-separated, what node pools may name in addition to the workers'",
    )
    .option("--ec2-instance-profile <NAME>", "IAM instance profile of every instance (none)")
    .option("--ec2-spot", "spot instances (on demand)")
    .option("--ec2-identity-certificates <FILE>", "PEM: the RSA certificates of the region, as AWS documents them")
    .option("--ec2-server-url <URL>", "this server as instances reach it (this host's name)")
    .option("--ec2-endpoint <URL>", "EC2's API (the region's)")
    .option("--external-server-url <URL>", "this server as machines that the operator launches reach it (none)")
    .option(
      "--external-kubernetes-versions <VERSIONS>",
      "comma-separated, versions of their images; the first is the default",
    )
    .option("--log-level <LEVEL>", "info, warn or error (info)")
    .option(
      "--ephemeral",
      "delete every cluster and the data directory when stdin closes or a signal arrives; after a line `keep` on stdin only a signal counts",
    )
    .addHelpText("after", help)
    .action(async (_flags, command: Command) => {
      const { runServer } = await import("./run-server.ts");
      await runServer(context, command.optsWithGlobals<ServeFlags>());
    });
};
