import { Worker } from "node:worker_threads";
import type { FieldError } from "#api/problem.ts";
import { DomainError } from "../errors.ts";
import { type CostlyBody, costlyBodies } from "./costly-bodies.ts";
import { type BodyText, parseBody } from "./parse-body.ts";
import { HttpProblem } from "./problem.ts";

export interface ParseJob extends BodyText {
  id: number;
  body: CostlyBody;
}

export type ParseOutcome =
  | { value: unknown }
  | { refusal: { message: string; errors: FieldError[] } }
  | { malformed: string };

export type ParseCostly = (body: CostlyBody, text: BodyText) => Promise<unknown>;

/** A body of this length is parsed within a few milliseconds, whatever it holds. */
const shortLength = 4096;

/**
 * Returns a parser of costly bodies that never holds up other requests: long bodies go to one other thread, one after
 * another. The first long body starts that thread, which keeps no process alive. Throws as `parseBody` does.
 */
export function createParseThread(): ParseCostly {
  let worker: Worker | undefined;
  let lastId = 0;
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();

  function start(): Worker {
    const started = new Worker(new URL("./parse-worker.ts", import.meta.url));
    started.unref();
    started.on("message", ({ id, ...outcome }: ParseOutcome & { id: number }) => {
      const job = waiting.get(id);
      waiting.delete(id);
      if ("value" in outcome) job?.resolve(outcome.value);
      else job?.reject(toError(outcome));
    });
    started.on("error", (cause) => {
      worker = undefined;
      for (const job of waiting.values()) job.reject(new Error("The thread that parses bodies ended", { cause }));
      waiting.clear();
    });
    return started;
  }

  return async (body, text) => {
    if (text.text.length <= shortLength) return parseBody(costlyBodies[body], text);
    worker ??= start();
    lastId += 1;
    const job = Promise.withResolvers<unknown>();
    waiting.set(lastId, job);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    worker.postMessage({ id: lastId, body, ...text } satisfies ParseJob);
    return job.promise;
  };
}

const toError = (outcome: Exclude<ParseOutcome, { value: unknown }>) =>
  "refusal" in outcome
    ? new DomainError("invalid-request", outcome.refusal.message, { errors: outcome.refusal.errors })
    : new HttpProblem("malformed-json", outcome.malformed);
