import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { Event } from "#api/event.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { mediaType, MisunderstoodAnswer, misunderstood, parseJson, toProblemError } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { readBody, sendRequest } from "./transport.ts";

export interface EventStreamOptions {
  path: string;
  /** Sequence of the last event already known. */
  after?: number;
  /** Without it, the stream ends once the server has no more to tell for `quietMs`. */
  follow: boolean;
  quietMs?: number;
  signal: AbortSignal;
  /** Connections in a row that bring no event, before the stream is given up. The first one is tried once. */
  maxAttempts?: number;
  retryDelayMs?: number;
}

/** Longest silence; the server sends a comment more often than that. */
const idleTimeoutMs = 60_000;

/**
 * Every event of a cluster once and in order, over as many connections as it takes (`Last-Event-ID`).
 * Ends with the cluster's deletion.
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
        throw misunderstood(`content type is "${mediaType(response)}" where text/event-stream is expected`);
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
      if (!connected || !isPassing(error) || attempt >= maxAttempts) throw error;
    }
    if (attempt >= maxAttempts)
      throw new CliError(
        exitCodes.unreachable,
        `Cannot follow events: ${connection.server.origin} keeps ending the stream`,
      );
    await delay(retryDelayMs * Math.min(attempt + 1, 8) * (0.5 + Math.random()), undefined, { signal });
  }
}

/** A broken connection or a server that is coming back, not a refusal. */
const isPassing = (error: unknown): boolean =>
  !(error instanceof MisunderstoodAnswer) && (!(error instanceof CliError) || error.exitCode === exitCodes.unreachable);

async function* parseEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<Event> {
  const parsed: Event[] = [];
  const parser = createParser({
    maxBufferSize: 1024 * 1024,
    onEvent: ({ id, data }) => {
      const result = Event.safeParse(parseJson(data));
      if (!result.success) throw misunderstood(`event ${id ?? "without id"}: ${result.error.issues[0]?.message}`);
      if (id !== String(result.data.sequence))
        throw misunderstood(`event ${result.data.sequence} has the id ${id ?? "(none)"}`);
      parsed.push(result.data);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* parsed.splice(0);
  }
}

/** The answer's chunks until none has come for a while. */
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
