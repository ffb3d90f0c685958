import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOptional } from "#lib/files.ts";
import { replaceFile } from "#lib/replace-file.ts";
import type { Logger } from "../logger.ts";
import type { AddressRange } from "./address-range.ts";
import { formatHosts, parseHosts, parseLeases } from "./leases.ts";
import { type KnownCard, planAddresses } from "./plan-addresses.ts";

/** The addresses of the inventory's cards, which outlive the server. */
export interface Reservations {
  /** File with all of them, for dnsmasq. */
  file: string;
  /** Gives each card an address of its own, if it has none yet. Returns whether the file has changed. */
  update(cards: readonly KnownCard[]): Promise<boolean>;
  close(): Promise<void>;
}

interface ReservationOptions {
  range: AddressRange;
  /** Addresses that no machine may get. */
  taken: readonly string[];
  leaseFile: string;
  /** Keeps the addresses. */
  keptFile: string;
  logger: Logger;
}

export async function openReservations(options: ReservationOptions): Promise<Reservations> {
  const { range, taken, leaseFile, keptFile, logger } = options;
  // The data directory is private, and dnsmasq reads the file again as a user without rights.
  const folder = await mkdtemp(join(tmpdir(), "sprout-dhcp-"));
  const file = join(folder, "hosts");
  const publish = async (text: string) => {
    // The host may clean its folder of temporary files.
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    await replaceFile(file, text, { mode: 0o644 });
  };
  let lastWithout = 0;
  let isClosed = false;
  return {
    file,
    async update(cards) {
      const leases = parseLeases((await readOptional(leaseFile)) ?? "");
      const others = taken.map((address) => ({ mac: "", address }));
      const before = parseHosts((await readOptional(keptFile)) ?? "");
      const { holdings, without } = planAddresses(cards, { range, leases: [...leases, ...others], before });
      if (without > 0 && without !== lastWithout)
        logger.warn("The DHCP range has too few addresses for the inventory; give --dhcp-range a larger one", {
          cards: cards.length,
          without,
        });
      lastWithout = without;
      const text = formatHosts(holdings);
      if (isClosed || text === (await readOptional(file))) return false;
      await replaceFile(keptFile, text, { durable: true });
      await publish(text);
      return true;
    },
    async close() {
      isClosed = true;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
