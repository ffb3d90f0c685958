import { parentPort } from "node:worker_threads";
import { DomainError } from "../errors.ts";
import { costlyBodies } from "./costly-bodies.ts";
import { parseBody } from "./parse-body.ts";
import type { ParseJob, ParseOutcome } from "./parse-thread.ts";
import { HttpProblem } from "./problem.ts";

/** The other end of `createParseThread`. Errors lose their class on the way, so they are sent as data. */
parentPort?.on("message", ({ id, body, ...text }: ParseJob) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage({ id, ...outcomeOf(() => parseBody(costlyBodies[body], text)) });
});

function outcomeOf(parse: () => unknown): ParseOutcome {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof DomainError) return { refusal: { message: error.message, errors: error.errors } };
    if (error instanceof HttpProblem) return { malformed: error.message };
    throw error;
  }
}
