import type { Clock } from "#lib/clock.ts";
import type { Logger } from "../logger.ts";
import { createReportExcess, type Excess, type ReportExcess } from "./report-excess.ts";
import { type ConnectionBounds, shareConnections } from "./share-connections.ts";

export type ListenerName = "api" | "plain";

/** What one listener lets a client do. */
export interface ListenerLimits {
  connections: ConnectionBounds;
  /** Requests of one address a second; a minute's worth may come at once. Those of a token follow from it. */
  requestsPerAddress: number;
  /** Requests that the server holds, or streams, for one address. */
  heldPerAddress: number;
  report: ReportExcess;
}

interface Options {
  settings: { connectionsPerAddress: number; requestsPerAddress: number };
  /** Files that the process may open. */
  openFiles: number;
  logger: Logger;
  clock: Pick<Clock, "now">;
  count: (listener: ListenerName, excess: Excess) => void;
}

export function createListenerLimits(options: Options): Record<ListenerName, ListenerLimits> {
  const { settings, openFiles, logger, clock, count } = options;
  const shares = shareConnections(settings.connectionsPerAddress, openFiles);
  if (shares.api.perAddress < settings.connectionsPerAddress)
    logger.warn("The process may open few files, so each address has fewer connections; raise LimitNOFILE", {
      openFiles,
      connectionsPerAddress: shares.api.perAddress,
    });
  const limitsOf = (name: ListenerName): ListenerLimits => ({
    connections: shares[name],
    requestsPerAddress: settings.requestsPerAddress,
    heldPerAddress: shares[name].perAddress,
    report: createReportExcess({ logger, clock, count: (excess) => count(name, excess) }),
  });
  return { api: limitsOf("api"), plain: limitsOf("plain") };
}
