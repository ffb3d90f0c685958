import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { lastLine, maxReportCharacters, type ProbeReports } from "./probe-reports.ts";

/** Listens until it is disposed. */
interface ProbeListener extends Disposable {
  /** Probes post their report to this URL, plus `/` and their node's name. Only they know it. */
  url: string;
}

/** Limit of one connection, from its beginning to its end. */
const requestTimeoutMs = 2000;
const maxConnections = 256;

/**
 * Takes reports from pods, on a port of this node. They arrive a second or two before the API has the pods' addresses:
 * kubelets report those late while everything starts.
 */
export async function listenForProbes(
  { address, peers }: { address: string; peers: readonly string[] },
  reports: ProbeReports,
): Promise<ProbeListener> {
  const path = `/${randomBytes(16).toString("hex")}/`;
  const take = async (request: IncomingMessage): Promise<204 | 404 | 413> => {
    const { method, url = "" } = request;
    const name = url.slice(path.length);
    if (method !== "POST" || !url.startsWith(path) || !peers.includes(name)) return 404;
    const report = await readReport(request);
    if (report === undefined) return 413;
    reports.set(name, report);
    return 204;
  };
  const options = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: 4096 };
  // Importing it at the top would load undici, a quarter of the time to start.
  const server = process.getBuiltinModule("node:http").createServer(options, (request, response) => {
    void take(request).then((status) => response.writeHead(status, { connection: "close" }).end());
  });
  server.maxConnections = maxConnections;
  server.listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}${path.slice(0, -1)}`,
    [Symbol.dispose]: () => {
      server.close().closeAllConnections();
    },
  };
}

/** Reads a report. Undefined if it is too long or does not end. */
async function readReport(request: IncomingMessage): Promise<string | undefined> {
  let text = "";
  try {
    for await (const part of request.setEncoding("utf8")) {
      text += part;
      if (text.length > maxReportCharacters) return undefined;
    }
  } catch {
    return undefined;
  }
  return lastLine(text);
}
