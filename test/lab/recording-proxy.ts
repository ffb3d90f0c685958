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
  /** Whether the whole answer was sent. */
  whole: boolean;
}

/** A fault in an answer's body: truncated after its first bytes, or with one byte changed. */
export type Fault = "cut" | "change";

export interface RecordingProxy {
  requests: RecordedRequest[];
  close(): Promise<void>;
}

/**
 * Forwards every request unchanged to `port` of this host, Host header included, and records the outcome. `faultOf` decides
 * for each path which fault its answer gets.
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

/** Cut: closes the connection at the second chunk. Changed: another first byte. */
function spoil(fault: Fault | undefined): Transform {
  let pieces = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      pieces += 1;
      if (fault === "cut" && pieces === 2) return done(new Error("truncated"));
      if (fault === "change" && pieces === 1) piece[0] = (piece[0] ?? 0) ^ 1;
      return done(null, piece);
    },
  });
}

/**
 * Files that were never answered within that time, without the capability in their path. A busy host delays a request now
 * and then; one that the server holds is held each time.
 */
export function findSlow(
  requests: readonly Pick<RecordedRequest, "method" | "path" | "durationMs">[],
  withinMs: number,
): string[] {
  const byFile = Map.groupBy(requests, ({ method, path }) => `${method} ${withoutCapability(path)}`);
  return [...byFile].flatMap(([file, each]) => (each.every(({ durationMs }) => durationMs > withinMs) ? [file] : []));
}

export const withoutCapability = (path: string): string => path.replace(/^\/(nocloud|ec2)\/[^/]+/, "/$1/…");
