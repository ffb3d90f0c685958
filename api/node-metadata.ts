import { z } from "zod";
import { AllocationId, ClusterId, DnsLabel, JoinMode, KubernetesVersion, NodeName, Role } from "./name.ts";
import { InstanceIdentity } from "./instance-identity.ts";
import { Address, Cidr, MacAddress, Network } from "./network.ts";
import { NodePoolName } from "./node-pool.ts";
import { MissingPeer } from "./report.ts";

/** A machine's claims about itself, not proven. Sent with every request that uses the capability. */
export const Hardware = z
  .strictObject({
    macs: z.array(MacAddress).min(1).max(32).describe("MACs of the machine's interfaces"),
    /** Not `z.uuid()`: vendors put serial numbers and MACs where RFC 9562 wants a version. */
    uuid: z.guid("a UUID").optional().describe("SMBIOS system UUID; absent in containers and without one"),
    serial: z.string().max(256).optional().describe("SMBIOS serial number; absent in containers and without one"),
    addresses: z
      .array(Address)
      .max(32)
      .optional()
      .describe("Addresses that the machine already has; the first becomes the node's if none was planned"),
    rootDevice: z
      .enum(["memory", "disk"])
      .optional()
      .describe("Where its root file system is; absent in containers and clouds, where it does not matter"),
    instanceIdentity: InstanceIdentity.optional().describe("EC2's proof of the instance, the only proof here"),
  })
  .meta({ id: "Hardware" });
export type Hardware = z.infer<typeof Hardware>;

/** The same in the query of `GET /node/v1/metadata`, with EC2's proof: `?mac=…&mac=…&uuid=…&address=…`. */
export const MetadataQuery = z.strictObject({
  mac: Hardware.shape.macs,
  uuid: Hardware.shape.uuid,
  serial: Hardware.shape.serial,
  address: Hardware.shape.addresses,
  rootDevice: Hardware.shape.rootDevice,
  identityDocument: InstanceIdentity.shape.document.optional(),
  identitySignature: InstanceIdentity.shape.signature.optional(),
});

const NamedAddress = z.strictObject({ name: NodeName, address: Address }).meta({ id: "NamedAddress" });

/** Few, so that no document grows with its cluster. */
export const maxNeighbours = 3;

export const maxDeadlineSeconds = 3600;

/** An address and TCP port of the metadata server. */
const Listener = z
  .strictObject({ address: Address, port: z.int().min(1).max(65_535).describe("TCP port") })
  .meta({ id: "Listener" });
export type Listener = z.infer<typeof Listener>;

const isPort = (text: string | undefined) => Number(text) >= 1 && Number(text) <= 65_535;

/**
 * `GET /node/v1/metadata`: public, final for its role, and free of secrets. Only the first control plane gets `peers`,
 * so no other document grows with the cluster.
 */
export const NodeMetadata = z
  .strictObject({
    allocation: AllocationId,
    cluster: z
      .strictObject({ id: ClusterId, name: DnsLabel, kubernetesVersion: KubernetesVersion })
      .describe("The cluster that this node joins"),
    self: z
      .strictObject({
        name: NodeName,
        role: Role,
        address: Address.describe("The node's address, for which its certificates are"),
        podCidr: Cidr.describe("Subnet of the node's pods"),
        nodePool: NodePoolName.optional().describe("Absent for control planes and in the pool `default`"),
      })
      .describe("This node"),
    endpoint: z
      .string("HOST:PORT with a port from 1 to 65535")
      .regex(/^[a-z0-9.-]+:\d{1,5}$/)
      .refine((text) => isPort(text.split(":")[1]))
      .describe("`host:port` of the API server, the same for every node of the cluster"),
    hasExternalEndpoint: z
      .literal(true)
      .optional()
      .describe("The endpoint is a load balancer that the operator keeps; absent if every worker has its own"),
    virtualAddress: Address.optional().describe(
      "Where the endpoint leads if one of the control planes has its address at any time; absent otherwise",
    ),
    controlPlanes: z
      .array(NamedAddress)
      .min(1)
      .describe("All control planes, the first one first; for a worker those with a known address"),
    initialClusterState: z
      .literal("existing")
      .optional()
      .describe("Of etcd, for a control plane that joins a ready cluster: it becomes a member of the others' etcd"),
    network: Network.describe("Subnets, and how pods reach each other"),
    join: JoinMode.describe("How this node's kubelet gets its client certificate; `certificate` for control planes"),
    deadlineSeconds: z
      .number()
      .positive()
      .max(maxDeadlineSeconds)
      .describe("What was left of the node's deadline at the time of this answer"),
    lastSequence: z
      .int()
      .positive()
      .optional()
      .describe("Sequence of this allocation's last report, if the server has any; the next report continues from it"),
    neighbours: z
      .array(NamedAddress)
      .min(1)
      .max(maxNeighbours)
      .optional()
      .describe("Workers with known addresses, picked at random once; the node reports whether it reaches them"),
    listeners: z
      .array(Listener)
      .min(1)
      .max(128)
      .optional()
      .describe("Every address and port at which the server listens; no pod may reach any of them"),
    plainHttpPort: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe("The server's port for firmware and cloud-init, which have no TLS; absent without it"),
    peers: z
      .array(NodeName)
      .min(1)
      .optional()
      .describe("Every node that must be Ready, including this one; for the first control plane only"),
  })
  .meta({ id: "NodeMetadata" });
export type NodeMetadata = z.infer<typeof NodeMetadata>;

/** `GET /node/v1/peers`, first control plane only: the last report of every peer. */
export const PeerReports = z
  .strictObject({
    peers: z.array(MissingPeer).describe("Every node of the cluster, including the caller"),
  })
  .meta({ id: "PeerReports" });
export type PeerReports = z.infer<typeof PeerReports>;
