import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { durable, startRedisServer } from "../fixtures/redis-server.ts";

export interface RedisPair extends AsyncDisposable {
  /** For `--store`: an address that always leads to the master, as a virtual address does. */
  url: string;
  /** Kills the master, promotes the replica, and gives it a replica. Once only. */
  failOver: () => Promise<void>;
}

/** Synchronises a new replica at once. */
const prompt = [...durable, "--repl-diskless-sync-delay", "0"];

/** A real Redis with a replica, both on disk, behind one address. */
export async function startRedisPair(): Promise<RedisPair> {
  const [port, nextPort] = [await findFreePort(), await findFreePort()];
  const master = await startRedisServer({ port, settings: prompt });
  const replica = await startRedisServer({
    port: nextPort,
    settings: [...prompt, "--replicaof", `127.0.0.1 ${port}`],
  });
  const servers = [master, replica];
  const client = replica.client();
  const isInStep = async () => (await client.info("replication")).includes("master_link_status:up");
  while (!(await isInStep())) await sleep(50);

  let target = join(master.directory, "redis.sock");
  const open = new Set<Socket>();
  const address = createServer((from) => {
    const to = connect(target);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy()).on("close", () => (open.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  address.listen(0, "127.0.0.1");
  await once(address, "listening");
  const { port: own } = address.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${own}`,
    async failOver() {
      await master.kill("SIGKILL");
      await client.replicaof("NO", "ONE");
      target = join(replica.directory, "redis.sock");
      for (const socket of open) socket.destroy();
      // Sprout acknowledges nothing that no replica has, so a failover ends with another one.
      servers.push(await startRedisServer({ settings: [...durable, "--replicaof", `127.0.0.1 ${nextPort}`] }));
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      for (const socket of open) socket.destroy();
      address.close();
      await Promise.all(servers.map((server) => server.destroy()));
    },
  };
}
