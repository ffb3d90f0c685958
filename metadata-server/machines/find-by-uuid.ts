import { inOtherByteOrder } from "#api/hardware-identity.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { Store } from "../store/store.ts";

/** Returns machines with a UUID, in either byte order, newest first. Records keep the spelling that came first. */
export async function findByUuid(
  store: Pick<Store, "machines">,
  { uuid, limit }: { uuid: string; limit: number },
): Promise<MachineRecord[]> {
  const spellings = [...new Set([uuid, inOtherByteOrder(uuid)])];
  const found = (await Promise.all(spellings.map((spelling) => store.machines({ uuid: spelling, limit })))).flat();
  return found.toSorted((one, other) => other.createdAt - one.createdAt).slice(0, limit);
}
