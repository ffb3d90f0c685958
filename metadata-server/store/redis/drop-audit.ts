import type { AuditEntry } from "#api/audit.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "../../logger.ts";
import type { AuditArchive } from "../audit-archive.ts";
import type { RedisConnection } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";
import { toEntry } from "./stream-entry.ts";

/**
 * Creates a function that writes entries out, and then drops those up to a sequence. Commits drop only what is written
 * out. If this fails, the commit is done all the same, and the next one tries again.
 */
export function createDropAudit(options: {
  writer: RedisConnection;
  target: RedisTarget;
  archive: AuditArchive;
  logger: Logger;
}) {
  const { writer, target, archive, logger } = options;
  const stream = `${target.prefix}audit`;
  return async (sequence: number): Promise<void> => {
    if (sequence <= archive.through) return;
    try {
      const last = `${sequence + archive.batch}-0`;
      const entries = await writer.run((redis) => redis.xrange(stream, "-", last));
      archive.write(entries.map(toEntry) as AuditEntry[]);
      await writer.run((redis) => redis.xtrim(stream, "MINID", "=", `${sequence + 1}-0`));
    } catch (error) {
      logger.error("Cannot drop old audit entries; retrying", { store: target.name, error: messageOf(error) });
    }
  };
}
