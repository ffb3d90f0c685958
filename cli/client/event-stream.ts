import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { Event } from "#api/event.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { mediaType, MisunderstoodAnswer, misunderstood, parseJson, toProblemError } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { readBody, sendRequest } from "./transport.ts";

interface EventStreamOptions {
  path: string;
  /** Sequence of the last event already known. */
  after?: number;
  /** False: the stream ends once the server sends nothing for `quietMs`. */
  follow: boolean;
  quietMs?: number;
  signal: AbortSignal;
  /** Consecutive connections without an event before the stream fails. The first connection is not retried. */
  maxAttempts?: number;
  retryDelayMs?: number;
}

/** Longest silence; the server sends comments more often. */
const idleTimeoutMs = 60_000;

/**
 * Yields every event of a cluster once and in order, and reconnects as needed (`Last-Event-ID`). Ends with the
 * cluster's deletion.
 */
export async function* streamEvents(connection: Connection, options: EventStreamOptions): AsyncGenerator<Event> {
  const { path, signal, follow, quietMs = 500, maxAttempts = 8, retryDelayMs = 250 } = options;
  let last = options.after ?? 0;
  let connected = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await sendRequest(connection, {
        method: "GET",
        path,
        headers: { accept: "text/event-stream", ...(last > 0 ? { "last-event-id": String(last) } : {}) },
        signal,
        idleTimeoutMs,
      });
      if (response.statusCode !== 200) throw toProblemError(response, await readBody(response, connection, signal));
      if (mediaType(response) !== "text/event-stream")
        throw misunderstood(`expected content type text/event-stream, got "${mediaType(response)}"`);
      connected = true;
      for await (const event of parseEvents(follow ? response : untilQuiet(response, quietMs))) {
        if (event.sequence <= last) continue;
        last = event.sequence;
        attempt = 0;
        yield event;
        if (event.type === "cluster" && event.state === "deleted") return;
      }
      if (!follow) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!connected || !isTransient(error) || attempt >= maxAttempts) throw error;
    }
    if (attempt >= maxAttempts)
      throw new CliError(
        exitCodes.unreachable,
        `Cannot follow events: ${connection.server.origin} keeps closing the stream`,
      );
    await delay(retryDelayMs * Math.min(attempt + 1, 8) * (0.5 + Math.random()), undefined, { signal });
  }
}

/** Whether a retry may help: the connection broke or the server restarts, but it did not refuse. */
const isTransient = (error: unknown): boolean =>
  !(error instanceof MisunderstoodAnswer) && (!(error instanceof CliError) || error.exitCode === exitCodes.unreachable);

async function* parseEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<Event> {
  const parsed: Event[] = [];
  const parser = createParser({
    maxBufferSize: 1024 * 1024,
    onEvent: ({ id, data }) => {
      const event = parseFields(Event, parseJson(data));
      if (event.errors) throw misunderstood(`event ${id ?? "without id"}: ${formatFieldErrors(event.errors)}`);
      if (id !== String(event.data.sequence))
        throw misunderstood(`event ${event.data.sequence} has the id ${id ?? "(none)"}`);
      parsed.push(event.data);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* parsed.splice(0);
  }
}

/** Yields the answer's chunks until none has come for `quietMs`. */
async function* untilQuiet(response: IncomingMessage, quietMs: number): AsyncGenerator<Buffer> {
  let quiet = false;
  const timer = setTimeout(() => {
    quiet = true;
    response.destroy();
  }, quietMs);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      timer.refresh();
      yield chunk;
    }
  } catch (error) {
    if (!quiet) throw error;
  } finally {
    clearTimeout(timer);
  }
}
