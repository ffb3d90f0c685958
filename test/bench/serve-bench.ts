import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";

/** Serves on a port of 127.0.0.1 until SIGTERM, and sends startBenchServer its address and paths. */
export function serveBench(app: Hono, { paths, folder }: { paths: readonly string[]; folder: string }): void {
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
    const requests = join(folder, "paths");
    void writeFile(requests, paths.join("\n")).then(() =>
      process.stdout.write(`${JSON.stringify({ port, requests })}\n`),
    );
  });
  process.once("SIGTERM", () => {
    server.close();
    process.exit(0);
  });
}

/** What the app answers to a client on this host. */
export async function textOf(app: Hono, path: string): Promise<string> {
  const client = { incoming: { socket: { remoteAddress: "127.0.0.1" } } };
  const answer = await app.request(`http://127.0.0.1${path}`, {}, client);
  if (answer.status !== 200) throw new Error(`Cannot measure ${path}: ${answer.status} ${await answer.text()}`);
  return answer.text();
}
