import { once } from "node:events";
import { createServer, request } from "node:http";
import { pipeline, Transform } from "node:stream";

export interface RecordedRequest {
  method: string;
  path: string;
  userAgent: string;
  status: number;
  /** Until the last byte of the answer. */
  durationMs: number;
  /** Whether all of the answer was sent. */
  whole: boolean;
}

/** What a fault does to the body of an answer: cut it off after its first bytes, or change one of them. */
export type Fault = "cut" | "change";

export interface RecordingProxy {
  requests: RecordedRequest[];
  close(): Promise<void>;
}

/**
 * Passes every request on to `port` of this host as it is, its Host header too, and writes down what came of it. `faultOf`
 * is asked for each path what to do to its answer.
 */
export async function startRecordingProxy(options: {
  listenPort: number;
  port: number;
  faultOf?: (path: string) => Fault | undefined;
}): Promise<RecordingProxy> {
  const requests: RecordedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const startedAt = performance.now();
    const { method = "", url: path = "", headers } = incoming;
    outgoing.once("close", () =>
      requests.push({
        method,
        path,
        userAgent: headers["user-agent"] ?? "",
        status: outgoing.statusCode,
        durationMs: performance.now() - startedAt,
        whole: outgoing.writableFinished,
      }),
    );
    const forwarded = request({ host: "127.0.0.1", port: options.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, spoil(options.faultOf?.(path)), outgoing, () => undefined);
    });
    forwarded.on("error", () => outgoing.destroy());
    pipeline(incoming, forwarded, () => undefined);
  });
  server.listen(options.listenPort);
  await once(server, "listening");
  return {
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Cut: ends the connection with its second piece. Changed: another first byte. */
function spoil(fault: Fault | undefined): Transform {
  let pieces = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      pieces += 1;
      if (fault === "cut" && pieces === 2) return done(new Error("cut off"));
      if (fault === "change" && pieces === 1) piece[0] = (piece[0] ?? 0) ^ 1;
      return done(null, piece);
    },
  });
}

/**
 * Files that were never answered within that time, without the capability in their path. A busy host delays some request now
 * and then; what the server lets wait, waits each time.
 */
export function findSlow(
  requests: readonly Pick<RecordedRequest, "method" | "path" | "durationMs">[],
  withinMs: number,
): string[] {
  const byFile = Map.groupBy(requests, ({ method, path }) => `${method} ${withoutCapability(path)}`);
  return [...byFile].flatMap(([file, each]) => (each.every(({ durationMs }) => durationMs > withinMs) ? [file] : []));
}

export const withoutCapability = (path: string): string => path.replace(/^\/(nocloud|ec2)\/[^/]+/, "/$1/…");
