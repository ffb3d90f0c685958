import { messageOf } from "#lib/errors.ts";
import { DomainError } from "../errors.ts";
import type { MachineProvider } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { forEachConcurrently } from "./background.ts";
import { changeCluster, decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { detachmentsOf } from "./detachment.ts";
import { isElsewhere } from "./is-elsewhere.ts";
import { launchesOf } from "./launch.ts";
import { canBecome, memberEvent, transition } from "./lifecycle.ts";
import { startRetriedWork } from "./retried-work.ts";

const terminateConcurrency = 32;

export const deletionName = (clusterId: string) => `delete ${clusterId}`;

export interface Deletion {
  clusterId: string;
  by: Actor;
  /** For the timeline. */
  reason?: string;
  /** Asked of the record that is about to change: its deadline may have moved in the meantime. */
  isDue?: (cluster: ClusterRecord) => boolean;
}

/**
 * Deletes a cluster, durably once it returns: its data key is wiped, so that no secret of it can be opened. Its
 * machines are terminated in the background. Deleting again changes nothing. Throws DomainError `not-found`.
 */
export async function deleteCluster(
  deps: ClusterDependencies,
  { clusterId, by, reason, isDue = () => true }: Deletion,
): Promise<ClusterRecord> {
  const { store, clock } = deps;
  await changeCluster({ store, clusterId }, (cluster) => {
    if (!canBecome(cluster, "deleting") || !isDue(cluster)) return undefined;
    const message = reason === undefined ? {} : { message: reason };
    const at = clock.now();
    return {
      ...transition(cluster, { to: "deleting", at, fields: { sealedDataKey: null }, ...message }),
      audit: [auditAllowed(by, { action: "cluster-delete", at, clusterId, ...(reason && { detail: reason }) })],
    };
  });
  const cluster = await store.cluster(clusterId);
  if (cluster === undefined) throw new DomainError("not-found", `There is no cluster ${clusterId}`);
  if (cluster.state === "deleting") startDeletion(deps, clusterId);
  return cluster;
}

/** Retries until everything is gone, after a restart as well. */
export function startDeletion(deps: ClusterDependencies, clusterId: string): void {
  startRetriedWork(deps, {
    clusterId,
    name: deletionName(clusterId),
    goal: "delete cluster",
    isNeeded: (cluster) => cluster.state === "deleting" && !isElsewhere(deps, cluster),
    attempt: async (leased, cluster, signal) => {
      await deps.background.stopAll(launchesOf(clusterId));
      await deps.background.stopAll(detachmentsOf(clusterId));
      // Another server that launches its machines stops, too, and gives its lease back.
      await deps.leases.wait({ name: launchesOf(clusterId), signal }, () =>
        removeEverything(leased, { cluster, signal }),
      );
    },
  });
}

async function removeEverything(
  deps: ClusterDependencies,
  { cluster, signal }: { cluster: ClusterRecord; signal: AbortSignal },
): Promise<void> {
  const { id: clusterId } = cluster;
  const provider = deps.providers.get(cluster.provider);
  if (provider === undefined) throw new Error(`This server has no provider ${cluster.provider}`);
  const members = await deps.store.members(clusterId);
  const limits = { limit: terminateConcurrency, signal };
  await forEachConcurrently(members, limits, (member) => terminateMachine(provider, member));
  if (signal.aborted) return;
  await provider.release(clusterId);
  const isOperators = provider.userDataServerUrl !== undefined;
  await recordDeleted(deps, {
    clusterId,
    ...(isOperators && { message: "Sprout did not launch its machines; the operator must terminate them" }),
  });
}

async function terminateMachine(provider: MachineProvider, { clusterId, allocation, name }: MemberRecord) {
  try {
    await provider.terminate({ clusterId, allocation });
  } catch (cause) {
    throw new Error(`Cannot terminate ${name}: ${messageOf(cause)}`, { cause });
  }
}

/** Removes secrets and tokens and changes the states in one commit. */
async function recordDeleted(
  { store, clock }: ClusterDependencies,
  { clusterId, message }: { clusterId: string; message?: string },
): Promise<void> {
  await decide(store, async () => {
    const cluster = await store.cluster(clusterId);
    if (cluster?.state !== "deleting") return { result: undefined };
    const at = clock.now();
    const members = (await store.members(clusterId)).map((member): MemberRecord => ({
      ...member,
      state: "deleted",
      capabilityHash: null,
      spentCapabilityHash: null,
      reportTokenHash: null,
    }));
    const deleted = transition(cluster, {
      to: "deleted",
      at,
      fields: { deletedAt: at },
      ...(message && { message }),
    });
    const secretOwners = [null, ...members.map(({ name }) => name)];
    const changes = {
      clusters: deleted.clusters,
      members,
      secrets: secretOwners.map((member) => ({ clusterId, member, sealed: null })),
      events: [...members.map((member) => memberEvent(member, { at })), ...deleted.events],
    };
    return { changes, result: undefined };
  });
}
