import { z } from "zod";
import { createNamespaces, type Namespace } from "../../fixtures/namespaces.ts";

const device = "link0";
export const linkGigabits = 10;
const Qdiscs = z.tuple([z.object({ kind: z.string(), bytes: z.number(), options: z.object({ rate: z.number() }) })]);

/** A cable between a server and its clients, on which the server sends at 10 Gbit/s and no faster. */
export interface Link {
  server: Namespace;
  serverAddress: string;
  clients: Namespace;
  /** Bytes that went through the shaper. Throws where it is not in force. */
  shapedBytes: () => Promise<number>;
  /** Ends whatever runs in it, too. */
  close: () => Promise<void>;
}

export async function createLink(): Promise<Link> {
  const namespaces = createNamespaces();
  try {
    const [server, clients] = [await namespaces.create(), await namespaces.create()];
    await namespaces.join([server, device], [clients, device]);
    await server.run(`ip address add 10.79.0.1/24 dev ${device}`);
    await clients.run(`ip address add 10.79.0.2/24 dev ${device}`);
    // A burst of less than a millisecond, and room for what its round trips need.
    await server.run(`tc qdisc add dev ${device} root tbf rate ${linkGigabits}gbit burst 1mb latency 10ms`);
    const shapedBytes = async () => {
      const [{ kind, bytes, options }] = Qdiscs.parse(
        JSON.parse(await server.run(`tc -s -j qdisc show dev ${device}`)),
      );
      if (kind !== "tbf" || options.rate !== (linkGigabits * 1e9) / 8)
        throw new Error(`Cannot measure: the link is not shaped, it has ${kind} with ${options.rate} bytes/s`);
      return bytes;
    };
    return { server, serverAddress: "10.79.0.1", clients, shapedBytes, close: namespaces.close };
  } catch (error) {
    await namespaces.close();
    throw error;
  }
}
