import { DomainError } from "../errors.ts";
import type { MachineProvider } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { auditAllowed, type Origin } from "./audit.ts";
import { forEachConcurrently } from "./background.ts";
import { changeCluster, decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { launchName } from "./launch.ts";
import { canBecome, clusterEvent, memberEvent, transition } from "./lifecycle.ts";
import { tryAgain } from "./try-again.ts";

const terminateConcurrency = 32;

export const deletionName = (clusterId: string) => `delete ${clusterId}`;

export interface Deletion {
  clusterId: string;
  by: Origin;
  /** For the timeline. */
  reason?: string;
  /** Asked of the record that is to be changed: what was due may have been put off meanwhile. */
  isDue?: (cluster: ClusterRecord) => boolean;
}

/**
 * Durable as soon as it returns: the data key is wiped, so no secret of the cluster can be opened any more, and its
 * machines are ended in the background. Deleting again changes nothing. Throws DomainError `not-found`.
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

/** Goes on until everything is gone, also after a restart in the middle. */
export function startDeletion(deps: ClusterDependencies, clusterId: string): void {
  deps.background.start(deletionName(clusterId), async (signal) => {
    await deps.background.stop(launchName(clusterId));
    await tryAgain(() => removeEverything(deps, { clusterId, signal }), {
      clock: deps.clock,
      signal,
      onFailure: (failure) => recordFailedAttempt(deps, { clusterId, ...failure }),
    });
  });
}

async function removeEverything(
  deps: ClusterDependencies,
  { clusterId, signal }: { clusterId: string; signal: AbortSignal },
): Promise<void> {
  const cluster = await deps.store.cluster(clusterId);
  if (cluster?.state !== "deleting") return;
  const provider = deps.providers.get(cluster.provider);
  if (provider === undefined) throw new Error(`This server has no provider ${cluster.provider}`);
  const members = await deps.store.members(clusterId);
  const limits = { limit: terminateConcurrency, signal };
  await forEachConcurrently(members, limits, (member) => terminateMachine(provider, member));
  if (signal.aborted) return;
  await provider.release(clusterId);
  const isOthers = provider.userDataServerUrl !== undefined;
  await recordDeleted(deps, { clusterId, ...(isOthers && { message: "Its machines are somebody else's to end" }) });
}

async function terminateMachine(provider: MachineProvider, { clusterId, allocation, name }: MemberRecord) {
  try {
    await provider.terminate({ clusterId, allocation });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot terminate ${name}: ${reason}`, { cause });
  }
}

/** One commit: secrets, tokens and states go together. */
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

async function recordFailedAttempt(
  { store, clock, logger }: ClusterDependencies,
  { clusterId, error, delayMs }: { clusterId: string; error: unknown; delayMs: number },
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `${reason}; trying again in ${delayMs / 1000} s`;
  logger.error("Cluster could not be deleted", { clusterId, error: message });
  await store.commit({ events: [clusterEvent(clusterId, { state: "deleting", at: clock.now(), message })] });
}
