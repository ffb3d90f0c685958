import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ask } from "./ask.ts";

export interface AttackOptions {
  kind: "connections" | "requests" | "json";
  target: string;
  source: string;
  caFile: string;
  count: number;
  /** A node's token, so that the server reads the body of `json`. */
  token?: string;
}

/** What the server did with each of them: a status, `open`, `closed` or an error's code. */
export type Attacked = Record<string, number>;

const connectionsAtOnce = 500;
const requestsAtOnce = 256;
const bodyBytes = 64 * 1024;

const tally = (results: readonly (string | number)[]): Attacked =>
  Object.fromEntries(Array.from(Map.groupBy(results, String), ([result, all]) => [result, all.length]));

/** Connections that never say anything. */
async function openConnections({ target, source, count }: AttackOptions): Promise<Attacked> {
  const [host = "", port = ""] = target.split(":");
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    for (let one = 0; one < connectionsAtOnce && sockets.length < count; one += 1)
      sockets.push(
        connect({ host, port: Number(port), localAddress: source })
          .on("error", () => undefined)
          .resume(),
      );
    await delay(50);
  }
  await delay(1000);
  return tally(sockets.map((socket) => (socket.readyState === "open" && !socket.closed ? "open" : "closed")));
}

/** Requests with made-up tokens and paths, as fast as they go over kept connections. */
async function sendRequests({ target, source, caFile, count }: AttackOptions): Promise<Attacked> {
  const [ca, agent] = [await readFile(caFile, "utf8"), new Agent({ keepAlive: true, maxSockets: requestsAtOnce })];
  const results: (string | number)[] = [];
  const paths = ["/v1/clusters", "/node/v1/metadata?mac=52:54:00:00:00:01", "/nothing", "/openapi.json"];
  let sent = 0;
  const send = async () => {
    for (let index = sent++; index < count; index = sent++) {
      const path = paths[index % paths.length]!;
      results.push(await ask({ target, source, ca, agent, path, token: `junk-${index}` }).catch(codeOf));
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, send));
  agent.destroy();
  return tally(results);
}

/** Deep, wide and with each name again and again, by a client whose token is good. */
async function sendJson({ target, source, caFile, count, token }: AttackOptions): Promise<Attacked> {
  const ca = await readFile(caFile, "utf8");
  const names = (depth: number) => {
    const [head, tail] = ["[".repeat(depth), "]".repeat(depth)];
    const pair = '"n":1,';
    return `${head}{${pair.repeat(Math.floor((bodyBytes - 2 * depth - 8) / pair.length))}"n":1}${tail}`;
  };
  const wide = `{${Array.from({ length: 4000 }, (_, index) => `"a${index}":0`).join(",")}}`;
  const bodies = [names(60), names(0), "[".repeat(bodyBytes), wide, `"${"\\u0000".repeat(bodyBytes / 6 - 2)}"`];
  const results: (string | number)[] = [];
  for (let sent = 0; sent < count; sent += bodies.length)
    results.push(
      ...(await Promise.all(
        bodies.map(async (body) =>
          ask({ target, source, ca, path: "/node/v1/claim", method: "POST", token: token ?? "", body }).catch(codeOf),
        ),
      )),
    );
  return tally(results);
}

const codeOf = (error: unknown) => String((error as NodeJS.ErrnoException).code ?? error);
const attacks = { connections: openConnections, requests: sendRequests, json: sendJson };

// Run as a process, `attack.ts OPTIONS`: prints what became of it, and ends when stdin closes.
if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? "") as AttackOptions;
  process.stdout.write(`${JSON.stringify(await attacks[options.kind](options))}\n`);
  process.stdin.on("end", () => process.exit(0)).resume();
}
