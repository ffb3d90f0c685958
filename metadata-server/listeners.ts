import type { Listener } from "#api/node-metadata.ts";
import type { Config } from "./config.ts";

/**
 * Returns every address and port that leads to this server. A listener on every address counts at each one that the
 * server is known by; loopback addresses lead no other host here.
 */
export function toListeners(
  { listenAddress, port, httpListen }: Pick<Config, "listenAddress" | "port" | "httpListen">,
  knownAddresses: readonly string[],
): Listener[] {
  const open = [{ address: listenAddress, port }, ...(httpListen === null ? [] : [httpListen])];
  return open
    .flatMap((one) =>
      (one.address === "0.0.0.0" ? knownAddresses : [one.address]).map((address) => ({ ...one, address })),
    )
    .filter(({ address }) => !address.startsWith("127."));
}
