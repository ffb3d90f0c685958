import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import type { Cluster } from "#api/cluster.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { createApiClient, type ApiClient } from "../../cli/client/api-client.ts";
import { runProgram } from "../../cli/program.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { createJsonLogger } from "../../metadata-server/logger.ts";
import { type RunningServer, startServer } from "../../metadata-server/serve.ts";
import { createFakeProvider } from "../fakes/fake-provider.ts";
import { certificateKey, joinToken, leakingKubeadm } from "../fakes/leaking-kubeadm.ts";
import { simulatedEnvironment, writeSimulatedRoot } from "../fakes/simulated-root.ts";
import { findSecrets, findSecretsInFiles, keysIn, type PlantedSecret } from "../fixtures/planted-secrets.ts";
import { nodeRequest } from "../lab/node-request.ts";
import { patience } from "../fixtures/patience.ts";

const bootstrapper = join(import.meta.dirname, "../../bootstrapper/main.ts");
const provider = createFakeProvider();
const log: string[] = [];
const secrets: PlantedSecret[] = [];

let folder: string;
let dataDir: string;
let server: RunningServer;
let client: ApiClient;
let ca: string;
/** The failing machine's console, and what the kernel showed of its process meanwhile. */
let consoleText: string;
let processText: string;
let failing: Cluster;
let whole: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-planted-"));
  dataDir = join(folder, "data");
  const environment = { SPROUT_SERVICE_ACCOUNT_KEYS_AHEAD: "2" };
  const config = loadConfig({ dataDir, port: await findFreePort(), listenAddress: "127.0.0.1" }, environment);
  server = await startServer(config, {
    logger: createJsonLogger((line) => void log.push(line)),
    providers: [provider],
  });
  ca = await readFile(server.caFile, "utf8");
  const connection = { server: new URL(server.url), ca, caFile: server.caFile, token: server.token };
  client = createApiClient(connection, { signal: new AbortController().signal, now: Date.now });
  plant("API token", server.token);
  plant("server key", await readFile(join(dataDir, "server.key")));
  for (const file of await readdir(join(dataDir, "tls")))
    plantKeys(`TLS key of ${file}`, await readFile(join(dataDir, "tls", file), "utf8"));
  failing = await client.create({ name: "leaky", nodes: 1, provider: "fake", deadlineSeconds: 60 });
  await bringUpLeaking(failing);
  failing = await client.wait(failing.id, { condition: "ready", timeoutMs: 60_000 });
  whole = await client.create({ name: "whole", nodes: 2, provider: "fake" });
  await bringUpWhole(whole);
  whole = await client.wait(whole.id, { condition: "ready", timeoutMs: 60_000 });
}, 120_000);

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const plant = (name: string, value: string | Buffer) => void secrets.push({ name, value });

const plantKeys = (name: string, content: string) => void secrets.push(...keysIn(name, content));

/** Resolves once the machine is launched, which happens in the background. */
const launchOf = (cluster: Cluster, index: number) =>
  vi.waitFor(() => {
    const launched = provider.launched.get(cluster.members[index]!.name);
    if (launched === undefined) throw new Error("not launched yet");
    return launched;
  }, patience);

/** The real bootstrapper on a simulated machine against the real server. */
async function bringUpLeaking(cluster: Cluster): Promise<void> {
  const root = join(folder, "machine");
  const { seed, mac } = await launchOf(cluster, 0);
  await writeSimulatedRoot(root, { mac: mac!, seed: { ...seed, server: server.url } });
  await writeFile(join(root, "bin/kubeadm"), leakingKubeadm(root, seed.capability));
  await chmod(join(root, "bin/kubeadm"), 0o755);
  const running = execa(process.execPath, [bootstrapper, "--root", root], {
    env: simulatedEnvironment(root),
    extendEnv: false,
    reject: false,
    all: true,
  });
  const shown = await Promise.all(
    ["cmdline", "environ"].map((file) => readFile(`/proc/${running.pid}/${file}`, "utf8")),
  );
  const { all, exitCode } = await running;
  expect(exitCode).toBe(4);
  [consoleText, processText] = [all, shown.join("\n")];
  plant("capability of leaky", seed.capability);
  plant("report token of leaky", await readFile(join(root, "var/lib/sprout/node/report-token"), "utf8"));
  plant("join token", joinToken);
  plant("certificate key", certificateKey);
  const pki = join(root, "etc/kubernetes/pki");
  for (const file of await readdir(pki, { recursive: true }))
    if (file.endsWith(".key")) plantKeys(`${file} of leaky`, await readFile(join(pki, file), "utf8"));
  const confs = (await readdir(join(root, "etc/kubernetes"))).filter((file) => file.endsWith(".conf"));
  for (const file of confs) plantKeys(`${file} of leaky`, await readFile(join(root, "etc/kubernetes", file), "utf8"));
}

/** Console output of two machines that come up. */
async function bringUpWhole(cluster: Cluster): Promise<void> {
  for (const [index, { name, allocation }] of [...cluster.members.entries()].toReversed()) {
    const { seed, mac } = await launchOf(cluster, index);
    const ask = async (path: string, token: string, body?: object) => {
      const answer = await nodeRequest(`${server.url}/node/v1/${path}`, { ca, token, body });
      if (answer.status > 299) throw new Error(`${path}: ${answer.body}`);
      return answer.body;
    };
    await ask(`metadata?mac=${mac}`, seed.capability);
    const claim = { allocation, hardware: { macs: [mac] } };
    const credentials = await ask("claim", seed.capability, claim);
    Credentials.parse(JSON.parse(credentials));
    const { reportToken } = ClaimConfirmed.parse(JSON.parse(await ask("claim/confirm", seed.capability, claim)));
    await ask("reports", reportToken, { allocation, sequence: 1, phase: "verify", state: "done" });
    plant(`capability of ${name}`, seed.capability);
    plant(`report token of ${name}`, reportToken);
    plantKeys(`key of ${name}`, credentials);
  }
}

const get = async (path: string) => (await nodeRequest(`${server.url}${path}`, { ca, token: server.token })).body;

/** A secret's own file. */
const mayHold = (file: string, secret: string) =>
  (file === "token" && secret === "API token") ||
  (file === "server.key" && secret === "server key") ||
  (file.startsWith("tls/") && secret === `TLS key of ${file.slice("tls/".length)}`);

describe("clusters with a fake kubeadm that prints every secret it finds", () => {
  it("contain planted secrets that the search finds in kubeadm's own output", async () => {
    expect(secrets.length).toBeGreaterThan(40);
    const output = await readFile(join(folder, "machine/kubeadm-output.txt"), "utf8");
    const expected = secrets.filter(({ name }) => /leaky|join token|certificate key/.test(name));
    expect(expected.length).toBeGreaterThan(15);
    expect(expected.filter((secret) => findSecrets([secret], output).length === 0)).toEqual([]);
  });

  it("fail with kubeadm's reason and keep the rest of its output", () => {
    expect(failing).toMatchObject({ state: "failed", members: [{ failure: { phase: "static-pods", exitCode: 4 } }] });
    expect(failing.members[0]?.failure?.error).toContain("error: cannot use token");
    expect(failing.members[0]?.failure?.logTail).toContain("kubeadm join 10.77.0.11:6443 --token [token]");
  });

  it("show no secret on the machine's console or in the process's arguments or environment", () => {
    expect(consoleText).toContain('"phase":"static-pods","state":"failed"');
    expect(findSecrets(secrets, consoleText)).toEqual([]);
    expect(processText).toContain("main.ts");
    expect(findSecrets(secrets, processText)).toEqual([]);
  });

  it("show no secret in any answer about clusters, and a kubeconfig's key only to its caller", async () => {
    const kubeconfig = await client.kubeconfig(whole.id);
    plantKeys("kubeconfig of whole", kubeconfig);
    const paths = ["/v1/clusters", `/v1/clusters/${whole.id}`, `/v1/clusters/${failing.id}`, "/v1/audit"];
    const answers = await Promise.all([...paths, "/metrics", "/openapi.json", "/problems/internal"].map(get));
    expect(answers[1]).toContain('"state":"ready"');
    for (const { id } of [whole, failing])
      answers.push(JSON.stringify(await Array.fromAsync(client.events(id, { follow: false }))));
    expect(answers.flatMap((answer) => findSecrets(secrets, answer))).toEqual([]);
    expect(
      findSecrets(
        secrets.filter(({ name }) => name !== "kubeconfig of whole"),
        kubeconfig,
      ),
    ).toEqual([]);
  });

  it.each(["get leaky", "get whole", "events leaky", "list", "wait leaky"])(
    "show no secret on the operator's terminal: clusters %s",
    async (command) => {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const shown = Promise.all([text(stdout), text(stderr)]);
      await runProgram(["clusters", ...command.split(" ")], {
        stdout,
        stderr,
        environment: {
          server: server.url,
          token: undefined,
          store: undefined,
          caFile: undefined,
          go: undefined,
          searchPath: "",
          hostAuthorities: server.caFile,
          dataDir,
          cacheDir: folder,
          noColor: true,
          dumbTerminal: true,
        },
        signal: new AbortController().signal,
        now: Date.now,
      });
      stdout.end();
      stderr.end();
      const terminal = (await shown).join("\n");
      expect(terminal).toMatch(/leaky|whole/);
      expect(findSecrets(secrets, terminal)).toEqual([]);
    },
  );

  it("leave no secret in the server's log", () => {
    expect(log.length).toBeGreaterThan(0);
    expect(findSecrets(secrets, log.join(""))).toEqual([]);
  });

  it("leave no secret in any file of the server, except its own keys in their files", async () => {
    const search = () => findSecretsInFiles(secrets, { folder: dataDir, mayHold });
    const files = await readdir(dataDir);
    expect(files).toEqual(expect.arrayContaining(["sprout.db", "sprout.db-wal"]));
    expect(await search()).toEqual([]);
    for (const { id } of [failing, whole]) await client.delete(id);
    await client.wait(whole.id, { condition: "deleted", timeoutMs: 30_000 });
    expect(await search()).toEqual([]);
  });
});
