import { z } from "zod";
import { AllocationId, ClusterId, DnsLabel, JoinMode, KubernetesVersion, NodeName, Role } from "./name.ts";
import { InstanceIdentity } from "./instance-identity.ts";
import { Address, Cidr, MacAddress, Network } from "./network.ts";
import { MissingPeer } from "./report.ts";

/** A machine's claims about itself, not proven. Sent with every request that uses the capability. */
export const Hardware = z
  .strictObject({
    macs: z.array(MacAddress).min(1).max(32),
    /** Not `z.uuid()`: vendors put serial numbers and MACs where RFC 9562 wants a version. */
    uuid: z.guid("a UUID").optional(),
    serial: z.string().max(256).optional(),
    /** Addresses that the machine already has, for providers that cannot plan them. */
    addresses: z.array(Address).max(32).optional(),
    /** Where its root file system is; absent in containers and clouds, where it does not matter. */
    rootDevice: z.enum(["memory", "disk"]).optional(),
    /** EC2's proof of the instance, the only proof here. */
    instanceIdentity: InstanceIdentity.optional(),
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
const Listener = z.strictObject({ address: Address, port: z.int().min(1).max(65_535) }).meta({ id: "Listener" });
export type Listener = z.infer<typeof Listener>;

const isPort = (text: string | undefined) => Number(text) >= 1 && Number(text) <= 65_535;

/**
 * `GET /node/v1/metadata`: public, final for its role, and free of secrets. Only the first control plane gets `peers`,
 * so no other document grows with the cluster.
 */
export const NodeMetadata = z
  .strictObject({
    allocation: AllocationId,
    cluster: z.strictObject({ id: ClusterId, name: DnsLabel, kubernetesVersion: KubernetesVersion }),
    self: z.strictObject({ name: NodeName, role: Role, address: Address, podCidr: Cidr }),
    /** `host:port` of the API server, the same for every node of the cluster. */
    endpoint: z
      .string("HOST:PORT with a port from 1 to 65535")
      .regex(/^[a-z0-9.-]+:\d{1,5}$/)
      .refine((text) => isPort(text.split(":")[1])),
    controlPlanes: z.array(NamedAddress).min(1),
    network: Network,
    join: JoinMode,
    /** Seconds that were left of the cluster's deadline at the time of this answer. */
    deadlineSeconds: z.number().positive().max(maxDeadlineSeconds),
    /** Sequence of this allocation's last report, if the server has any; the next report continues from it. */
    lastSequence: z.int().positive().optional(),
    /** A few workers with known addresses, picked at random once. This node reports whether it reaches them. */
    neighbours: z.array(NamedAddress).min(1).max(maxNeighbours).optional(),
    /** Every address and port at which the server listens. No pod may reach any of them. */
    listeners: z.array(Listener).min(1).max(128).optional(),
    /** The server's port for firmware and cloud-init, which have no TLS; servers of 0.1.0 name no listeners. */
    plainHttpPort: z.int().min(1).max(65_535).optional(),
    /** Every node that must be Ready, including this one. First control plane only. */
    peers: z.array(NodeName).min(1).optional(),
  })
  .meta({ id: "NodeMetadata" });
export type NodeMetadata = z.infer<typeof NodeMetadata>;

/** `GET /node/v1/peers`, first control plane only: the last report of every peer. */
export const PeerReports = z
  .strictObject({
    peers: z.array(MissingPeer),
  })
  .meta({ id: "PeerReports" });
export type PeerReports = z.infer<typeof PeerReports>;
