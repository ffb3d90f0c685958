/** How many things each key holds at the moment. Keys that hold none are forgotten. */
export interface Counts {
  /** Counts one more for every key, or for none if any of them is full. Returns the full key, or how to give back. */
  take(keys: readonly BoundedKey[]): { full: BoundedKey } | { release: () => void };
}

interface BoundedKey {
  key: string;
  most: number;
}

export function createCounts(): Counts {
  const counts = new Map<string, number>();
  return {
    take(keys) {
      const full = keys.find(({ key, most }) => (counts.get(key) ?? 0) >= most);
      if (full !== undefined) return { full };
      for (const { key } of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
      let isReleased = false;
      const release = () => {
        if (isReleased) return;
        isReleased = true;
        for (const { key } of keys) {
          const left = (counts.get(key) ?? 1) - 1;
          if (left === 0) counts.delete(key);
          else counts.set(key, left);
        }
      };
      return { release };
    },
  };
}
