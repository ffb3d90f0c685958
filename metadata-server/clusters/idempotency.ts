import { hash } from "node:crypto";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { IdempotencyRecord, Store } from "../store/store.ts";

const lifetimeMs = 24 * 3_600_000;

export interface IdempotencyKey {
  key: string;
  requestHash: string;
}

export interface StoredCluster {
  cluster: ClusterRecord;
  members: MemberRecord[];
}

/** Returns a caller's `Idempotency-Key` with the hash of its request; undefined without a key. */
export const toIdempotency = (key: string | undefined, request: object): IdempotencyKey | undefined =>
  key === undefined ? undefined : { key, requestHash: hash("sha256", JSON.stringify(request), "base64url") };

/** Returns the record to be committed together with what the request does. */
export const rememberKey = (
  key: IdempotencyKey,
  { clusterId, at }: { clusterId: string; at: number },
): IdempotencyRecord => ({ ...key, clusterId, expiresAt: at + lifetimeMs });

/**
 * Returns the cluster of an earlier request with this key. Throws DomainError `idempotency-key-reused` if that was
 * another request.
 */
export async function findKnown(
  { store }: { store: Store },
  key: IdempotencyKey | undefined,
): Promise<StoredCluster | undefined> {
  const known = key && (await store.idempotency(key.key));
  if (known === undefined) return undefined;
  if (known.requestHash !== key?.requestHash)
    throw new DomainError("idempotency-key-reused", "Idempotency-Key was used for a different request; use a new key");
  const cluster = await store.cluster(known.clusterId);
  return cluster && { cluster, members: await store.members(cluster.id) };
}
