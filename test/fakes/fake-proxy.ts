import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface FakeProxy {
  url: string;
  /** `host:port` of every requested tunnel. */
  tunnels: string[];
}

/** A fake HTTP proxy: every CONNECT, to any host, reaches `port` of this host. */
export async function startFakeProxy(port: number): Promise<FakeProxy> {
  const tunnels: string[] = [];
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request, client) => {
    tunnels.push(request.url ?? "");
    const target = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(client);
      client.pipe(target);
    });
    for (const [one, other] of [
      [target, client],
      [client, target],
    ] as const)
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels };
}
