import { liveClusters } from "./clusters/queries.ts";
import { sealingKeyId, serverKeyId } from "./pki/sealing.ts";
import type { Store } from "./store/store.ts";

/**
 * Throws if the store's secrets are sealed by another key than this server's: it could open none of them, and what it
 * seals, no other server of this store could.
 */
export async function requireServerKey(
  store: Store,
  { serverKey, file, storeName }: { serverKey: Buffer; file: string; storeName: string },
): Promise<void> {
  const own = serverKeyId(serverKey);
  const kept = await store.claimKeyId((await findSealingKeyId(store)) ?? own);
  if (kept === own) return;
  throw new Error(
    `Cannot use store ${storeName}: its secrets are sealed by server key ${kept}, and ${file} is ${own}; restore that key from a backup, and give all servers of one store the same`,
  );
}

/** Of a store from before it kept the id. */
async function findSealingKeyId(store: Store): Promise<string | undefined> {
  for await (const { sealedDataKey } of liveClusters(store))
    if (sealedDataKey !== null) return sealingKeyId(sealedDataKey);
  return undefined;
}
