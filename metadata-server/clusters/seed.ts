import type { Seed } from "#api/seed.ts";
import type { MemberRecord } from "../store/records.ts";

interface SeedOptions {
  server: string;
  /** PEM of the authority to pin. */
  ca: string;
  /** Plaintext, which only the seed holds. */
  capability: string;
}

/** Returns what a member's machine starts from. MAC and address are left out if its provider did not plan them. */
export const toSeed = ({ mac, address }: MemberRecord, { server, ca, capability }: SeedOptions): Seed => ({
  server,
  ca,
  capability,
  ...(mac && { mac }),
  ...(address && { address }),
});
