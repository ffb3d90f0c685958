import { z } from "zod";
import { AllocationId, ClusterId, DnsLabel, JoinMode, KubernetesVersion, NodeName, Role } from "./name.ts";
import { InstanceIdentity } from "./instance-identity.ts";
import { Address, Cidr, MacAddress, Network } from "./network.ts";

/** What a machine says of itself: claims, not proofs. Sent with every request of the capability. */
export const Hardware = z
  .strictObject({
    macs: z.array(MacAddress).min(1).max(32),
    /** Not `z.uuid()`: vendors put serial numbers and MACs where RFC 9562 wants a version. */
    uuid: z.guid("must be a UUID").optional(),
    serial: z.string().max(256).optional(),
    /** Addresses the machine already has, for providers that cannot plan them. */
    addresses: z.array(Address).max(32).optional(),
    /** Where its root is; absent where that is nobody's concern, as in containers and clouds. */
    rootDevice: z.enum(["memory", "disk"]).optional(),
    /** On EC2: the one thing here that is a proof. */
    instanceIdentity: InstanceIdentity.optional(),
  })
  .meta({ id: "Hardware" });
export type Hardware = z.infer<typeof Hardware>;

/** The same as the query of `GET /node/v1/metadata`: `?mac=…&mac=…&uuid=…&serial=…&address=…&rootDevice=…`, and EC2's proof. */
export const MetadataQuery = z.strictObject({
  mac: Hardware.shape.macs,
  uuid: Hardware.shape.uuid,
  serial: Hardware.shape.serial,
  address: Hardware.shape.addresses,
  rootDevice: Hardware.shape.rootDevice,
  identityDocument: InstanceIdentity.shape.document.optional(),
  identitySignature: InstanceIdentity.shape.signature.optional(),
});

export const NamedAddress = z.strictObject({ name: NodeName, address: Address }).meta({ id: "NamedAddress" });

/** A handful: no document grows with its cluster. */
export const maxNeighbours = 3;

export const maxDeadlineSeconds = 3600;

const isPort = (text: string | undefined) => Number(text) >= 1 && Number(text) <= 65_535;

/**
 * `GET /node/v1/metadata`: public, final for its role, and free of secrets. Only the first control plane has `peers`,
 * so no other document grows with the cluster.
 */
export const NodeMetadata = z
  .strictObject({
    allocation: AllocationId,
    cluster: z.strictObject({ id: ClusterId, name: DnsLabel, kubernetesVersion: KubernetesVersion }),
    self: z.strictObject({ name: NodeName, role: Role, address: Address, podCidr: Cidr }),
    /** `host:port` of the API server, as every node of the cluster calls it. */
    endpoint: z
      .string()
      .regex(/^[a-z0-9.-]+:\d{1,5}$/, { error: "must be host:port", abort: true })
      .refine((text) => isPort(text.split(":")[1]), "must have a port between 1 and 65535"),
    controlPlanes: z.array(NamedAddress).min(1),
    network: Network,
    join: JoinMode,
    /** Seconds left of the cluster's one deadline when this document was answered. */
    deadlineSeconds: z.number().positive().max(maxDeadlineSeconds),
    /** The last report of this allocation that the server has, where it has any: the next one counts on from it. */
    lastSequence: z.int().positive().optional(),
    /** A few workers, picked at random once, whose addresses are known: this node tells whether it reaches them. */
    neighbours: z.array(NamedAddress).min(1).max(maxNeighbours).optional(),
    /** Where the server also listens for firmware and cloud-init, which know no TLS: no pod may reach it either. */
    plainHttpPort: z.int().min(1).max(65_535).optional(),
    /** Every node that must be Ready, the reader included. First control plane only. */
    peers: z.array(NodeName).min(1).optional(),
  })
  .meta({ id: "NodeMetadata" });
export type NodeMetadata = z.infer<typeof NodeMetadata>;

/** `GET /node/v1/peers`, first control plane only: what the server last heard of every peer. */
export const PeerReports = z
  .strictObject({
    peers: z.array(
      z.strictObject({
        name: NodeName,
        /** `none` where the machine never called. */
        lastPhase: z.string(),
        lastReportAgoMs: z.int().nonnegative().nullable(),
      }),
    ),
  })
  .meta({ id: "PeerReports" });
export type PeerReports = z.infer<typeof PeerReports>;
