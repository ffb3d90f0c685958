import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ImdsRequest {
  method: string;
  path: string;
  userAgent: string;
  /** Whether it had a token that is good. */
  hasToken: boolean;
  status: number;
}

export interface FakeImds {
  url: string;
  requests: ImdsRequest[];
  /** What the next requests are answered with, instead of the truth. */
  faults: number[];
  close(): Promise<void>;
}

export interface FakeImdsOptions {
  /** Path below `/latest/` → text. */
  files: Record<string, string | undefined>;
  listen?: { address: string; port: number };
  onRequest?: (request: ImdsRequest) => void;
}

/** A fake instance metadata service that wants a token, as EC2's does where `HttpTokens` is `required`. */
export async function startFakeImds({ files, listen, onRequest }: FakeImdsOptions): Promise<FakeImds> {
  const tokens = new Map<string, number>();

  const answer = (request: IncomingMessage): { status: number; text?: string; hasToken: boolean } => {
    const { method = "", url: path = "", headers } = request;
    const token = String(headers["x-aws-ec2-metadata-token"] ?? "");
    const hasToken = (tokens.get(token) ?? 0) > Date.now();
    const fault = imds.faults.shift();
    if (fault !== undefined) return { status: fault, hasToken };
    if (path === "/latest/api/token") {
      if (method !== "PUT") return { status: 405, hasToken };
      // A proxy that forwards what others send must not get one.
      if (headers["x-forwarded-for"] !== undefined) return { status: 403, hasToken };
      const seconds = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return { status: 400, hasToken };
      const made = randomBytes(32).toString("base64url");
      tokens.set(made, Date.now() + seconds * 1000);
      return { status: 200, text: made, hasToken };
    }
    if (method !== "GET") return { status: 405, hasToken };
    if (!hasToken) return { status: 401, hasToken };
    const file = files[path.replace(/^\/latest\//, "")];
    if (file === undefined) return { status: 404, hasToken };
    return { status: 200, text: file, hasToken };
  };

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { status, text = "", hasToken } = answer(request);
    const userAgent = request.headers["user-agent"] ?? "";
    const asked = { method: request.method ?? "", path: request.url ?? "", userAgent, hasToken, status };
    imds.requests.push(asked);
    onRequest?.(asked);
    response.writeHead(status, { "content-type": "text/plain" }).end(text);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(listen?.port ?? 0, listen?.address ?? "127.0.0.1", resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  const imds: FakeImds = {
    url: `http://${address}:${port}`,
    requests: [],
    faults: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return imds;
}
