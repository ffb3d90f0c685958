import { BootstrapError } from "../../bootstrapper/errors.ts";
import { ConfigError } from "../../metadata-server/config.ts";
import { DomainError } from "../../metadata-server/errors.ts";
import { HttpProblem } from "../../metadata-server/http/problem.ts";
import { PowerError } from "../../metadata-server/power/power-error.ts";
import { RedisUrlError } from "../../metadata-server/store/redis/redis-url.ts";

const refusals = [BootstrapError, ConfigError, DomainError, HttpProblem, PowerError, RedisUrlError];

/** Whether a parser documents this error. */
export const isRefusal = (error: unknown): error is Error => refusals.some((refusal) => error instanceof refusal);

/** Returns why a refusal's message spoils a log or a terminal; undefined if it is readable. */
export function describeFlaw({ name, message }: Error): string | undefined {
  if (message.trim() === "") return `${name} has no message`;
  const [unreadable] = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.exec(message) ?? [];
  return (
    unreadable && `${name}'s message holds ${JSON.stringify(unreadable)}: ${JSON.stringify(message.slice(0, 300))}`
  );
}
