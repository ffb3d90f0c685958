import { pause } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { repeat } from "../clusters/background.ts";
import { longPoll } from "../clusters/long-poll.ts";
import { inventory } from "../store/store.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { listCards } from "./list-cards.ts";

/** A rack that boots changes the inventory hundreds of times; once a second is enough. */
const settleMs = 1000;
const refreshMs = 60_000;

/** Reserves addresses for the inventory's cards at every change, until the signal aborts. */
export async function reserveAddresses(
  { store, clock, logger }: Pick<MachineDependencies, "store" | "clock" | "logger">,
  reserve: (cards: Awaited<ReturnType<typeof listCards>>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const onFailure = (error: unknown) =>
    logger.error("Cannot reserve DHCP addresses; retrying", { error: messageOf(error) });
  const follow = async () => {
    await longPoll({ store, clock }, { clusterId: inventory, holdMs: refreshMs, signal }, async () => {
      await reserve(await listCards(store));
      await pause(clock, { delayMs: settleMs, signal });
      return undefined;
    });
  };
  await repeat(follow, { clock, intervalMs: settleMs, signal, onFailure });
}
