import { once } from "node:events";
import { createServer } from "node:net";

/** Returns a TCP port that is free now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
