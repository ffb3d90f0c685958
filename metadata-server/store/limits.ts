/** How many entries the store keeps at most; it drops the oldest beyond that. */
export interface StoreLimits {
  maxEventsPerCluster: number;
  /** For the whole server. */
  maxAuditEntries: number;
}

const defaults: StoreLimits = { maxEventsPerCluster: 10_000, maxAuditEntries: 100_000 };

/** Returns the given limits, with defaults for the others. Messages of its Error name the store `store`. */
export function parseLimits(given: Partial<StoreLimits>, store: string): StoreLimits {
  const { maxEventsPerCluster, maxAuditEntries } = { ...defaults, ...given };
  const limits = { maxEventsPerCluster, maxAuditEntries };
  for (const [name, limit] of Object.entries(limits))
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new Error(`Cannot open store ${store}: ${name} is ${limit}; give a whole number from 1`);
  return limits;
}
