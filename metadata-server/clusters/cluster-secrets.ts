import { z } from "zod";
import { Credentials } from "#api/credentials.ts";
import { Authorities, createAuthorities } from "../pki/authorities.ts";
import { dayMs } from "../pki/certificate.ts";
import { mintCredentials } from "../pki/mint.ts";
import { createDataKey, openDataKey, openSecret, sealSecret } from "../pki/sealing.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import type { ClusterPlan } from "./plan.ts";

type Secrets = NonNullable<Changes["secrets"]>;
type SecretOwner = Pick<MemberRecord, "clusterId" | "name" | "capabilityHash">;

/** The lifetimes that kubeadm uses. */
const authorityLifetimeMs = 3650 * dayMs;
export const certificateLifetimeMs = 365 * dayMs;
/** Margin for late launches and differing clocks. */
const bootstrapSlackMs = 600_000;
/** Generation of a cluster's authorities. Sealing authenticates it, so that no older secret replaces a newer one. */
const epoch = 1;
/** Certificates signed between two turns of the event loop: about 3 ms. */
const mintBatch = 8;

/** Secrets that a cluster keeps as long as it lives. */
const ClusterSecret = Authorities.extend({ networkManifest: z.string().optional() });

/** Makes authorities, and the credentials of every member whose address is known. A new data key seals them all. */
export async function mintCluster(
  deps: Pick<ClusterDependencies, "serverKeys" | "clock">,
  { cluster, members, networkManifest }: Pick<ClusterPlan, "cluster" | "members" | "networkManifest">,
): Promise<{ sealedDataKey: string; secrets: Secrets }> {
  const now = deps.clock.now();
  const authorities = createAuthorities({ now, lifetimeMs: authorityLifetimeMs });
  const { key, sealed: sealedDataKey } = createDataKey(deps.serverKeys, cluster.id);
  const secrets: Secrets = [
    {
      clusterId: cluster.id,
      member: null,
      sealed: sealSecret(key, toBytes({ ...authorities, networkManifest }), {
        clusterId: cluster.id,
        member: null,
        capabilityHash: null,
        epoch,
      }),
    },
  ];
  secrets.push(...(await mintAll(authorities, { cluster, members, key, now })));
  return { sealedDataKey, secrets };
}

/** Makes the credentials of every one of these members of an existing cluster whose address is known. */
export async function mintMembers(
  deps: Pick<ClusterDependencies, "store" | "serverKeys" | "clock">,
  { cluster, members }: { cluster: ClusterRecord; members: readonly MemberRecord[] },
): Promise<Secrets> {
  const authorities = await openAuthorities(deps, cluster);
  return mintAll(authorities, { cluster, members, key: dataKeyOf(deps, cluster), now: deps.clock.now() });
}

async function mintAll(
  authorities: Authorities,
  {
    cluster,
    members,
    key,
    now,
  }: { cluster: ClusterRecord; members: readonly MemberRecord[]; key: Buffer; now: number },
): Promise<Secrets> {
  const secrets: Secrets = [];
  for (const [index, member] of members.entries()) {
    if (member.address === null) continue;
    const credentials = mintFor(authorities, { cluster, member, address: member.address, now });
    secrets.push(sealCredentials(key, { member, credentials }));
    if (index % mintBatch === mintBatch - 1) await new Promise(setImmediate);
  }
  return secrets;
}

/** Returns every secret of a member. The first control plane also gets the network manifest of the request. */
export async function openCredentials(
  deps: Pick<ClusterDependencies, "store" | "serverKeys" | "clock">,
  owner: { cluster: ClusterRecord; member: MemberRecord & { address: string } },
): Promise<{ credentials: Credentials; secrets: Secrets }> {
  const opened = await openOrMint(deps, owner);
  const { network } = owner.cluster;
  const isGiven = network.plugin === "manifest" && network.baked === undefined;
  if (!isGiven || !owner.member.first || opened.credentials.role === "worker") return opened;
  const { networkManifest } = await openClusterSecret(deps, owner.cluster);
  return { ...opened, credentials: { ...opened.credentials, networkManifest } };
}

/** Opens the member's sealed credentials, or mints them now if its address was unknown until it called. */
async function openOrMint(
  deps: Pick<ClusterDependencies, "store" | "serverKeys" | "clock">,
  { cluster, member }: { cluster: ClusterRecord; member: MemberRecord & { address: string } },
): Promise<{ credentials: Credentials; secrets: Secrets }> {
  const key = dataKeyOf(deps, cluster);
  const sealed = await deps.store.secret({ clusterId: cluster.id, member: member.name });
  if (sealed !== undefined)
    return { credentials: Credentials.parse(fromBytes(openSecret(key, sealed, contextOf(member)))), secrets: [] };
  const authorities = await openAuthorities(deps, cluster);
  const credentials = mintFor(authorities, { cluster, member, address: member.address, now: deps.clock.now() });
  return { credentials, secrets: [sealCredentials(key, { member, credentials })] };
}

/** Seals the member's secret for a new capability. Returns an empty list if it has no secret yet. */
export async function resealCredentials(
  deps: Pick<ClusterDependencies, "store" | "serverKeys">,
  { cluster, member, capabilityHash }: { cluster: ClusterRecord; member: MemberRecord; capabilityHash: string },
): Promise<Secrets> {
  const sealed = await deps.store.secret({ clusterId: cluster.id, member: member.name });
  if (sealed === undefined) return [];
  const key = dataKeyOf(deps, cluster);
  const secret = openSecret(key, sealed, contextOf(member));
  const resealed = sealSecret(key, secret, contextOf({ ...member, capabilityHash }));
  return [{ clusterId: cluster.id, member: member.name, sealed: resealed }];
}

/** Throws if the cluster's secrets were wiped. */
export async function openAuthorities(
  deps: Pick<ClusterDependencies, "store" | "serverKeys">,
  cluster: ClusterRecord,
): Promise<Authorities> {
  const { networkManifest: _, ...authorities } = await openClusterSecret(deps, cluster);
  return authorities;
}

async function openClusterSecret(
  deps: Pick<ClusterDependencies, "store" | "serverKeys">,
  cluster: ClusterRecord,
): Promise<z.infer<typeof ClusterSecret>> {
  const key = dataKeyOf(deps, cluster);
  const sealed = await deps.store.secret({ clusterId: cluster.id, member: null });
  if (sealed === undefined) throw new Error(`Cannot open authorities of ${cluster.id}: the store holds none`);
  const context = { clusterId: cluster.id, member: null, capabilityHash: null, epoch };
  return ClusterSecret.parse(fromBytes(openSecret(key, sealed, context)));
}

function dataKeyOf(deps: Pick<ClusterDependencies, "serverKeys">, cluster: ClusterRecord): Buffer {
  if (cluster.sealedDataKey === null) throw new Error(`Cannot open secrets of ${cluster.id}: its data key is wiped`);
  return openDataKey(deps.serverKeys, cluster.id, cluster.sealedDataKey);
}

function mintFor(
  authorities: Authorities,
  { cluster, member, address, now }: { cluster: ClusterRecord; member: MemberRecord; address: string; now: number },
): Credentials {
  return mintCredentials(authorities, {
    role: member.role,
    allocation: member.allocation,
    name: member.name,
    address,
    endpointHost: cluster.endpoint.slice(0, cluster.endpoint.lastIndexOf(":")),
    ...(cluster.virtualAddress !== undefined && { virtualAddress: cluster.virtualAddress }),
    serviceSubnet: cluster.network.serviceSubnet,
    kubernetesVersion: cluster.kubernetesVersion,
    now,
    notAfter: now + certificateLifetimeMs,
    // Workers of several control planes have one for their load balancer.
    withNetworkAgent:
      cluster.network.plugin === "routes" || cluster.controlPlanes.length > 1 || cluster.virtualAddress !== undefined,
    ...(cluster.join === "kubeadm" && { bootstrapNotAfter: bootstrapEnd(cluster, now) }),
  });
}

/** A bootstrap certificate lasts for the bring-up: until the machine is provisioned, then until the deadline. */
const bootstrapEnd = ({ provisionDeadlineAt, deadlineSeconds }: ClusterRecord, now: number) =>
  Math.max(now, provisionDeadlineAt) + deadlineSeconds * 1000 + bootstrapSlackMs;

const sealCredentials = (
  key: Buffer,
  { member, credentials }: { member: SecretOwner; credentials: Credentials },
): Secrets[number] => ({
  clusterId: member.clusterId,
  member: member.name,
  sealed: sealSecret(key, toBytes(credentials), contextOf(member)),
});

const contextOf = (member: SecretOwner) => ({
  clusterId: member.clusterId,
  member: member.name,
  capabilityHash: member.capabilityHash,
  epoch,
});

const toBytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const fromBytes = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
