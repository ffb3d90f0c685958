import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApiClient, type ApiClient } from "../../cli/client/api-client.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import type { KillPoint } from "../fixtures/kill-point.ts";
import { type MortalProcess, startMortalProcess } from "../fixtures/mortal-process.ts";
import { hostState, leftBehind, nothingLeft, type HostState } from "../lab/host-state.ts";
import { createLabFolder, machineNetwork } from "../lab/lab-folders.ts";
import { cacheDir, prepareImage, whyNoMachines } from "../lab/lab.ts";

const reason = whyNoMachines();

const points: [string, KillPoint][] = [
  ["before a machine that was started is recorded", { operation: "launch", nth: 1, when: "after" }],
  ["before a claim that is stored is answered", { operation: "claim", nth: 1, when: "after" }],
  ["before a confirmation that is stored is answered", { operation: "confirm", nth: 2, when: "after" }],
];

describe.skipIf(reason !== null)(
  `a server killed next to real machines${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let dataDir: string;
    let before: HostState;
    let nspawn: MachineProvider;
    let server: MortalProcess;

    beforeEach(async () => {
      await prepareImage();
      dataDir = await createLabFolder();
      before = await hostState();
    });
    afterEach(async () => {
      await server.stop();
      for (const machine of await nspawn.list())
        await (machine.allocation ? nspawn.terminate(machine) : nspawn.release(machine.clusterId));
      await rm(dataDir, { recursive: true });
    });

    async function start(killAt: KillPoint | null, port: number): Promise<ApiClient> {
      server = (await startMortalProcess({ dataDir, cacheDir, port, machines: "nspawn", killAt }))!;
      const connection = { ...server, server: new URL(server.url), ca: await readFile(server.caFile, "utf8") };
      return createApiClient(connection, { signal: AbortSignal.timeout(240_000), now: Date.now });
    }

    it.each(points)("%s: after a restart the same cluster becomes Ready and leaves nothing", async (_name, killAt) => {
      const port = await findFreePort();
      nspawn = createNspawnProvider({
        imagesDir: join(cacheDir, "images"),
        machinesDir: join(dataDir, "machines"),
        network: machineNetwork,
        serverPort: port,
      });
      const doomed = await start(killAt, port);
      const body = { name: "survivor", nodes: 2, provider: "nspawn" };
      const created = await doomed.create(body, { idempotencyKey: "once" });
      expect(await server.ended).toBe("SIGKILL");
      const left = (await nspawn.list()).filter(({ allocation }) => allocation !== "");
      expect(left.length).toBeGreaterThanOrEqual(1);

      const client = await start(null, port);
      expect((await client.create(body, { idempotencyKey: "once" })).id).toBe(created.id);
      const cluster = await client.wait(created.id, { condition: "ready", timeoutMs: 200_000 });
      expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
      const running = (await nspawn.list()).filter(({ allocation }) => allocation !== "");
      expect(running.map(({ allocation }) => allocation).toSorted()).toEqual(
        created.members.map(({ allocation }) => allocation).toSorted(),
      );
      expect(await client.kubeconfig(cluster.id)).toContain("client-certificate-data");

      await client.delete(cluster.id);
      expect((await client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 })).state).toBe("deleted");
      expect(await leftBehind(before)).toEqual(nothingLeft);
    });
  },
);
