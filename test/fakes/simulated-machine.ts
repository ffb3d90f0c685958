import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { type FakeKubernetesApi, startFakeKubernetesApi } from "./fake-kubernetes-api.ts";
import { type FakeMetadataServer, startFakeMetadataServer } from "./fake-metadata-server.ts";
import { simulatedEnvironment, writeSimulatedRoot } from "./simulated-root.ts";
import { slowness } from "../fixtures/slowness.ts";
import { createClusterCredentials, createServerTls } from "./test-certificates.ts";

const capability = "c".repeat(43);
const reportToken = "r".repeat(43);
const projectDir = join(import.meta.dirname, "../..");
export const main = join(projectDir, "bootstrapper/main.ts");
export interface SimulatedMachine {
  root: string;
  server: FakeMetadataServer;
  kubernetes: FakeKubernetesApi;
  capability: string;
  /** Runs the real main.ts on the simulated machine. */
  run: (...args: string[]) => Promise<{ exitCode: number; stdout: string; error: string }>;
}

/** Real certificates of one cluster, shared by all simulated machines of a test file. */
export const mint = createClusterCredentials();

/**
 * A simulated machine: the real bootstrapper on its own root folder, with fake programs, server and API server. The
 * deadline is the one of an idle host; on a busy one it is longer.
 */
export async function simulateMachine(
  base: NodeMetadata,
  deadlineSeconds = 20,
  { clockOffsetMs = 0, ...options }: { clockOffsetMs?: number; confirmsAgain?: boolean } = {},
): Promise<SimulatedMachine> {
  const root = await mkdtemp(join(tmpdir(), "sprout-simulated-"));
  const tls = await createServerTls(join(root, "tls"), Date.now() + clockOffsetMs);
  const mintThere = clockOffsetMs === 0 ? mint : createClusterCredentials(Date.now() + clockOffsetMs);
  const address = "127.0.0.1";
  const first = { name: base.controlPlanes[0]?.name ?? "", address };
  const apiCredentials = mintThere("control-plane", { allocation: base.allocation, name: first.name });
  if (apiCredentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  const { "apiserver.crt": certificate, "apiserver.key": key } = apiCredentials.pki;
  const kubernetes = await startFakeKubernetesApi({ certificate, key });
  const metadata: NodeMetadata = {
    ...base,
    deadlineSeconds: deadlineSeconds * (await slowness()),
    endpoint: `localhost:${kubernetes.port}`,
    controlPlanes: base.controlPlanes.map(({ name }) => ({ name, address })),
    self: { ...base.self, address },
  };
  const credentials =
    base.self.role === "worker"
      ? mintThere("worker", { allocation: base.allocation, name: base.self.name, join: base.join })
      : mintThere("control-plane", { allocation: base.allocation, name: base.self.name });
  const server = await startFakeMetadataServer({
    tls,
    capability,
    reportToken,
    clockOffsetMs,
    metadata,
    credentials,
    ...options,
    peers: { peers: (base.peers ?? []).map((name) => ({ name, lastPhase: "render", lastReportAgoMs: 12_000 })) },
  });
  onTestFinished(async () => {
    await Promise.all([server.close(), kubernetes.close()]);
    await rm(root, { recursive: true });
  });
  await writeSimulatedRoot(root, {
    mac: "52:54:00:12:34:56",
    seed: { server: server.url, ca: tls.ca, capability },
  });
  return { root, server, kubernetes, capability, run: (...args) => runMain(root, args) };
}

/** Runs `run` as systemd's unit, which `systemctl stop` ends. */
export async function runAsUnit({ root }: SimulatedMachine) {
  const pidFile = join(root, "sprout-bootstrap.service.pid");
  const unit = execa(process.execPath, [main, "--root", root, "run"], {
    env: simulatedEnvironment(root),
    extendEnv: false,
    reject: false,
  });
  await writeFile(pidFile, String(unit.pid));
  const end = async () => {
    const ended = await unit;
    await rm(pidFile, { force: true });
    return ended;
  };
  // Not the promise itself, which the caller would await.
  return { ended: end() };
}

export async function runMain(root: string, args: string[]) {
  const result = await execa(process.execPath, [main, "--root", root, ...args], {
    env: simulatedEnvironment(root),
    extendEnv: false,
    reject: false,
  });
  const error =
    result.stderr === "" ? "" : (JSON.parse(result.stderr.split("\n").at(-1) ?? "") as { message: string }).message;
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, error };
}
