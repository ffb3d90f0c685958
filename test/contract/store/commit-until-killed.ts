// A separate process of the crash tests: commits without end and prints the number of each acknowledged commit.
import { clusterEvent, createClusterRecord, createMemberRecord } from "./samples.ts";
import { secretBytes } from "./subject.ts";
import { openRedisStore } from "../../../metadata-server/store/redis/redis-store.ts";
import { parseRedisUrl } from "../../../metadata-server/store/redis/redis-url.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";

/** The file of a SQLite store, or the URL of a Redis. */
const [where = "", first = ""] = process.argv.slice(2);
const store = where.startsWith("unix:")
  ? await openRedisStore({ target: parseRedisUrl(where) })
  : await openSqliteStore({ file: where });

async function commitAndPrint(number: number): Promise<void> {
  const id = `c-${number}`;
  const counter = (await store.cluster("c-counter")) ?? createClusterRecord({ id: "c-counter" });
  // All commits of a round read the same version of the counter, so only the first of them may change it.
  const isFirstOfRound = number % 8 === 0;
  await store.commit({
    clusters: [
      createClusterRecord({ id }),
      ...(isFirstOfRound ? [{ ...counter, labels: { last: String(number) } }] : []),
    ],
    members: ["node01", "node02"].map((name) => createMemberRecord({ clusterId: id, name })),
    secrets: [{ clusterId: id, member: null, sealed: secretBytes(String(number).repeat(3000)) }],
    events: ["created", "planned"].map((message) => ({ clusterId: id, event: clusterEvent(message) })),
  });
  process.stdout.write(`${number}\n`);
}

for (let round = Number(first); ; round += 8)
  await Promise.all(Array.from({ length: 8 }, (_, index) => commitAndPrint(round + index)));
