import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { listen } from "./fake-metadata-server.ts";
import { type InstanceDocuments, readTree } from "./instance-metadata-tree.ts";

export interface InstanceMetadataRequest {
  method: string;
  path: string;
  userAgent: string;
  /** Whether the request had a valid token. */
  hasToken: boolean;
  /** 0 if it was never answered. */
  status: number;
  /** From the request's first byte to the answer's last. */
  durationMs: number;
}

export interface FakeInstanceMetadata {
  url: URL;
  /** In the order in which their answers ended. */
  requests: InstanceMetadataRequest[];
  /** Faulty statuses by path, each answered once. */
  faults: Map<string, (number | "hang")[]>;
  close(): Promise<void>;
}

export interface FakeInstanceMetadataOptions {
  documents: InstanceDocuments;
  host?: string;
  port?: number;
  onRequest?: (request: InstanceMetadataRequest) => void;
}

const tokenPath = "/latest/api/token";
const tokenHeader = "x-aws-ec2-metadata-token";
const ttlHeader = "x-aws-ec2-metadata-token-ttl-seconds";

interface Answer {
  status: number;
  text?: string;
  headers?: Record<string, string>;
}

/** EC2's service with `HttpTokens=required`: strict about methods, headers and tokens, which expire. */
export async function startFakeInstanceMetadata(options: FakeInstanceMetadataOptions): Promise<FakeInstanceMetadata> {
  const { documents, host = "127.0.0.1" } = options;
  const requests: InstanceMetadataRequest[] = [];
  const faults = new Map<string, (number | "hang")[]>();
  const tokens = new Map<string, number>();
  const isGood = (token: unknown) => (tokens.get(String(token)) ?? 0) > Date.now();

  const giveToken = ({ method, headers }: IncomingMessage): Answer => {
    if (method !== "PUT") return { status: 405 };
    // A forwarding proxy must not get a token.
    if (headers["x-forwarded-for"] !== undefined) return { status: 403 };
    const seconds = Number(headers[ttlHeader]);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return { status: 400 };
    const text = randomBytes(40).toString("base64url");
    tokens.set(text, Date.now() + seconds * 1000);
    return { status: 200, text, headers: { [ttlHeader]: String(seconds) } };
  };

  const answer = (request: IncomingMessage): Answer => {
    const { method, url: path = "", headers } = request;
    if (path === tokenPath) return giveToken(request);
    if (method !== "GET") return { status: 405 };
    if (!isGood(headers[tokenHeader])) return { status: 401 };
    const text = readTree(documents, path);
    return text === undefined ? { status: 404 } : { status: 200, text };
  };

  const server = createServer((request, response) => {
    const startedAt = performance.now();
    const { method = "", url: path = "", headers } = request;
    const hasToken = isGood(headers[tokenHeader]);
    const fault = faults.get(path)?.shift();
    const { status, text, headers: more } = typeof fault === "number" ? { status: fault } : answer(request);
    response.once("close", () => {
      const asked = {
        method,
        path,
        userAgent: headers["user-agent"] ?? "",
        hasToken,
        status: fault === "hang" ? 0 : status,
        durationMs: performance.now() - startedAt,
      };
      requests.push(asked);
      options.onRequest?.(asked);
    });
    if (fault !== "hang") response.writeHead(status, { "content-type": "text/plain", ...more }).end(text);
  });
  const port = await listen(server, { host, ...(options.port !== undefined && { port: options.port }) });
  return {
    url: new URL(`http://${host}:${port}`),
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
