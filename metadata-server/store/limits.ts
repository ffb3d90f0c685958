/** What the store keeps at most; the oldest beyond it are dropped. */
export interface StoreLimits {
  maxEventsPerCluster: number;
  /** Of the whole server. */
  maxAuditEntries: number;
}

const defaults: StoreLimits = { maxEventsPerCluster: 10_000, maxAuditEntries: 100_000 };

/** The limits given, defaults for the others. `store` is how messages name it. */
export function parseLimits(given: Partial<StoreLimits>, store: string): StoreLimits {
  const { maxEventsPerCluster, maxAuditEntries } = { ...defaults, ...given };
  const limits = { maxEventsPerCluster, maxAuditEntries };
  for (const [name, limit] of Object.entries(limits))
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new Error(`Cannot open store ${store}: ${name} is ${limit}; give a whole number from 1`);
  return limits;
}
