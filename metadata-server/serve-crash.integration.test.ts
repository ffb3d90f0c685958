import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { readDoubled, readMachines, readSegments } from "../test/fakes/folder-provider.ts";
import { createClusterLife, type MortalServer } from "../test/fixtures/cluster-life.ts";
import type { KillPoint } from "../test/fixtures/kill-point.ts";
import { type MortalProcess, startMortalProcess } from "../test/fixtures/mortal-process.ts";
import { findFreePort } from "../cli/demo/free-port.ts";
import type { MemberRecord } from "./store/records.ts";
import { openSqliteStore } from "./store/sqlite/sqlite-store.ts";

let dataDir: string;
let provider: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sprout-serve-crash-"));
  provider = join(dataDir, "provider");
});
afterEach(() => rm(dataDir, { recursive: true }));

/** What a dead server left on its disk, and what runs without it. */
interface Remains {
  state: string | undefined;
  members: MemberRecord[];
  machines: number;
  segments: number;
  secrets: number;
  phases: number;
}

async function examine(): Promise<Remains> {
  const quiet = { info() {}, warn() {}, error() {} };
  const store = await openSqliteStore({ file: join(dataDir, "sprout.db"), logger: quiet });
  const [cluster] = await store.clusters({ limit: 10 });
  const members = cluster === undefined ? [] : await store.members(cluster.id);
  const owners = cluster === undefined ? [] : [null, ...members.map(({ name }) => name)];
  const secrets = await Promise.all(owners.map((member) => store.secret({ clusterId: cluster!.id, member })));
  const events = cluster === undefined ? [] : await store.events(cluster.id, 0, 1000);
  await store.close();
  return {
    state: cluster?.state,
    members,
    machines: readMachines(provider).length,
    segments: readSegments(provider).length,
    secrets: secrets.filter((secret) => secret !== undefined).length,
    phases: events.filter(({ type }) => type === "phase").length,
  };
}

/** A real process that kills itself once. It is examined, then started again without the kill. */
async function startDoomed(killAt: KillPoint): Promise<MortalServer & { remains: Remains[]; stop(): Promise<void> }> {
  const options = { dataDir, cacheDir: dataDir, port: await findFreePort(), machines: "fake" as const };
  let current: MortalProcess = (await startMortalProcess({ ...options, killAt }))!;
  const remains: Remains[] = [];
  async function restart(): Promise<void> {
    expect(await current.ended).toBe("SIGKILL");
    remains.push(await examine());
    current = (await startMortalProcess({ ...options, killAt: null }))!;
  }
  const server = {
    remains,
    async request(path: string, outgoing: object) {
      const answer = await current.request(path, outgoing);
      if (answer === undefined) await restart();
      return answer;
    },
    /** Waits until every machine is launched, or every one is terminated. */
    async settle({ id }: Cluster) {
      for (;;) {
        const answer = await server.request(`/v1/clusters/${id}`, {});
        const cluster = answer && Cluster.parse(JSON.parse(answer.text));
        if (cluster?.state === "deleted" || cluster?.members.every(({ launchedAt }) => launchedAt !== null)) {
          if (cluster.state !== "deleting") return;
        }
        await delay(10);
      }
    },
    machine: async ({ allocation }: { allocation: string }) =>
      readMachines(provider).find((machine) => machine.allocation === allocation)!,
    stop: () => current.stop(),
  };
  return server;
}

const claimsOf = ({ members }: Remains) => members.map(({ claims }) => claims);
const confirmedOf = ({ members }: Remains) => members.filter(({ confirmedAt }) => confirmedAt !== null).length;

/** Each point with what the kill must have left there, which shows that it happened at that point. */
const points: [string, KillPoint, (remains: Remains) => void][] = [
  [
    "a POST is stored",
    { operation: "create", nth: 1, when: "before" },
    (left) => expect(left).toEqual({ state: undefined, members: [], machines: 0, segments: 1, secrets: 0, phases: 0 }),
  ],
  [
    "a POST is answered",
    { operation: "create", nth: 1, when: "after" },
    (left) => expect(left).toMatchObject({ state: "pending", machines: 0, segments: 1, secrets: 4 }),
  ],
  [
    "a machine that was started is recorded",
    { operation: "launch", nth: 2, when: "after" },
    (left) => {
      expect(left.machines).toBeGreaterThanOrEqual(1);
      expect(left.members.filter(({ launchedAt }) => launchedAt === null).length).toBeGreaterThanOrEqual(1);
    },
  ],
  [
    "a claim is stored",
    { operation: "claim", nth: 1, when: "before" },
    (left) => expect([claimsOf(left), left.secrets]).toEqual([[0, 0, 0], 4]),
  ],
  [
    "a claim that is stored is answered",
    { operation: "claim", nth: 1, when: "after" },
    (left) => expect([claimsOf(left), confirmedOf(left), left.secrets]).toEqual([[0, 1, 0], 0, 4]),
  ],
  [
    "a confirmation is stored",
    { operation: "confirm", nth: 1, when: "before" },
    (left) => expect([confirmedOf(left), left.secrets]).toEqual([0, 4]),
  ],
  [
    "a confirmation that is stored is answered",
    { operation: "confirm", nth: 1, when: "after" },
    (left) => expect([confirmedOf(left), left.secrets]).toEqual([1, 3]),
  ],
  [
    "a report is stored",
    { operation: "report", nth: 3, when: "before" },
    (left) => expect([left.phases, left.state]).toEqual([2, "provisioning"]),
  ],
  [
    "the report of the proof is answered",
    { operation: "report", nth: 7, when: "after" },
    (left) => expect([left.phases, left.state]).toEqual([7, "ready"]),
  ],
  [
    "a deletion that is stored is answered",
    { operation: "deleting", nth: 1, when: "after" },
    (left) => expect([left.state, left.machines]).toEqual(["deleting", 3]),
  ],
  [
    "all machines are terminated",
    { operation: "terminate", nth: 3, when: "before" },
    (left) => expect([left.state, left.machines, left.segments]).toEqual(["deleting", 1, 1]),
  ],
  [
    "the end of the last machine is recorded",
    { operation: "deleted", nth: 1, when: "before" },
    (left) => expect([left.state, left.machines, left.segments]).toEqual(["deleting", 0, 0]),
  ],
];

describe("A server process killed by SIGKILL", () => {
  it.each(points)(
    "loses nothing acknowledged and doubles nothing if it is killed before %s",
    async (_name, killAt, expectRemains) => {
      const server = await startDoomed(killAt);
      const life = createClusterLife(server);
      try {
        const cluster = await life.create();
        await life.bringUp(cluster);
        const ready = await server.request(`/v1/clusters/${cluster.id}`, {});
        expect(JSON.parse(ready!.text)).toMatchObject({ id: cluster.id, state: "ready" });
        expect(
          readMachines(provider)
            .map(({ allocation }) => allocation)
            .toSorted(),
        ).toEqual(cluster.members.map(({ allocation }) => allocation).toSorted());
        expect([...life.witness.holders.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
        await life.claimAgain(cluster);
        await life.extend(cluster);
        await life.remove(cluster);
      } finally {
        await server.stop();
      }
      expect(server.remains).toHaveLength(1);
      expectRemains(server.remains[0]!);
      const end = await examine();
      expect(end).toMatchObject({ state: "deleted", machines: 0, segments: 0, secrets: 0, phases: 7 });
      expect(readDoubled(provider)).toBeUndefined();
    },
  );
});
