import { leaseLost } from "../refusals.ts";
import type { Changes, Lease, Store } from "../store.ts";

interface Leases extends Pick<Store, "takeLease" | "releaseLease"> {
  /** Throws StoreConflict `lease-lost`. */
  require(changes: Changes): void;
}

/** Keeps leases in memory: the file belongs to one process, so they end with it. */
export function createLeases(now = () => performance.now()): Leases {
  const leases = new Map<string, Lease & { until: number }>();
  let tokens = 0;

  function find(name: string): (Lease & { until: number }) | undefined {
    const lease = leases.get(name);
    return lease !== undefined && lease.until > now() ? lease : undefined;
  }
  const isHeld = ({ name, holder, token }: Lease) => {
    const current = find(name);
    return current?.holder === holder && current.token === token;
  };

  return {
    async takeLease({ name, holder, ttlMs }) {
      const current = find(name);
      if (current !== undefined && current.holder !== holder) return undefined;
      const token = current?.token ?? (tokens += 1);
      leases.set(name, { name, holder, token, until: now() + ttlMs });
      return token;
    },
    async releaseLease(lease) {
      if (isHeld(lease)) leases.delete(lease.name);
    },
    require({ lease }) {
      if (lease !== undefined && !isHeld(lease)) throw leaseLost(lease);
    },
  };
}
