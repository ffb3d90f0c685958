import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { listen } from "./fake-metadata-server.ts";

export interface FakeInstanceMetadata {
  url: URL;
  /** `METHOD path`, with ` token-less` where a GET had none. */
  requests: string[];
  /** Statuses that are answered instead of the truth, once each, by path. */
  faults: Map<string, (number | "hang")[]>;
  close(): Promise<void>;
}

/** EC2's service with `HttpTokens=required`: strict about methods, headers and tokens, each of which ends. */
export async function startFakeInstanceMetadata(
  documents: Record<string, string>,
  options: { host?: string; port?: number; onRequest?: (request: string) => void } = {},
): Promise<FakeInstanceMetadata> {
  const requests: string[] = [];
  const faults = new Map<string, (number | "hang")[]>();
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => {
    const { method = "", url: path = "", headers } = request;
    const end = (status: number, body = "") => void response.writeHead(status).end(body);
    const token = String(headers["x-aws-ec2-metadata-token"]);
    const isTokenless = method === "GET" && headers["x-aws-ec2-metadata-token"] === undefined;
    const said = `${method} ${path}${isTokenless ? " token-less" : ""}`;
    requests.push(said);
    options.onRequest?.(said);
    const fault = faults.get(path)?.shift();
    if (fault === "hang") return undefined;
    if (fault !== undefined) return end(fault);
    if (headers["x-forwarded-for"] !== undefined) return end(403);
    if (path === "/latest/api/token") {
      if (method !== "PUT") return end(405);
      const seconds = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return end(400);
      const made = randomBytes(40).toString("base64url");
      tokens.set(made, Date.now() + seconds * 1000);
      return end(200, made);
    }
    if (method !== "GET") return end(405);
    if (!((tokens.get(token) ?? 0) > Date.now())) return end(401);
    const body = documents[path];
    return body === undefined ? end(404) : end(200, body);
  });
  const port = await listen(server, options);
  return {
    url: new URL(`http://${options.host ?? "127.0.0.1"}:${port}`),
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
