import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { type LaunchedMachine, launchMachines, type LaunchedMachines } from "../lab/launched-machines.ts";

const reason = whyNoMachines();
const main = join(import.meta.dirname, "../../metadata-server/main.ts");
const sprout = async (...argv: string[]) => (await execa(process.execPath, [main, ...argv])).stdout;

const nameOf = (label: string) => `${label}.build126.test`;
const first = nameOf("master01");
const domains = { apiServer: nameOf("api"), etcd: nameOf("etcd") };

/** As the test platform writes it for each machine. */
const toUserData = (
  self: string,
  { workers, ...more }: { workers: string[]; sealedPki: string; deadlineSeconds?: number },
) =>
  JSON.stringify({
    domainsEnv: `BASE_DOMAIN=test API_SERVER_DOMAIN=${domains.apiServer} ETCD_DOMAIN=${domains.etcd}`,
    masterAddr: first,
    kubenodesAddr: workers.join(" "),
    myDomain: self,
    myRole: self === first ? "master" : "node",
    ...more,
  });

interface Platform {
  key: string;
  sealed: { master: string; node: string };
  folder: string;
}

async function makeAuthorities(): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-pki-"));
  await sprout("pki", "new", join(folder, "build126"));
  await sprout("pki", "key", join(folder, "image.key"));
  const seal = ["pki", "seal", join(folder, "build126"), "--key", join(folder, "image.key")];
  const sealed = JSON.parse(await sprout(...seal, "--api-server-domain", domains.apiServer)) as Platform["sealed"];
  return { key: await readFile(join(folder, "image.key"), "utf8"), sealed, folder };
}

function planLaunch({ key, sealed }: Platform, workers: string[], deadlineSeconds?: number): LaunchedMachine[] {
  const more = { workers, ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }) };
  const disk = (path: string, userData: string) => ({ "etc/sprout/user-data.key": key, [path]: userData });
  const workersUserData = "var/lib/cloud/seed/nocloud/user-data";
  return [
    {
      name: first,
      role: "control-plane",
      files: disk("etc/sprout/user-data.json", toUserData(first, { ...more, sealedPki: sealed.master })),
    },
    ...workers.map((name) => ({
      name,
      role: "worker" as const,
      files: disk(workersUserData, toUserData(name, { ...more, sealedPki: sealed.node })),
    })),
  ];
}

async function untilDone(machines: LaunchedMachines, name: string, timeoutMs: number): Promise<string> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const console = await machines.console(name);
    if (/"message":"verify (done|failed)"|"exitCode":\d/.test(console) || Date.now() > deadline) return console;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** By the machine's own console. */
function secondsBetween(console: string, start: string, end: string): number {
  const at = (message: string) =>
    Date.parse(new RegExp(`"time":"([^"]+)","level":"info","message":"${message}"`).exec(console)?.[1] ?? "");
  return (at(end) - at(start)) / 1000;
}

async function keysOn(machines: LaunchedMachines, name: string): Promise<string[]> {
  const { stdout } = await machines.exec(name, ["find", "/etc/kubernetes", "-name", "*.key"]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(reason !== null)(`machines without a server${reason ? ` (skipped: ${reason})` : ""}`, () => {
  const workers = ["node01", "node02", "node03"].map(nameOf);
  let platform: Platform;
  let machines: LaunchedMachines;

  beforeAll(async () => {
    await prepareImage();
    platform = await makeAuthorities();
    const signal = AbortSignal.timeout(60_000);
    const all = Object.values(domains);
    machines = await launchMachines({
      clusterId: "c-withoutserver2",
      machines: planLaunch(platform, workers),
      domains: all,
      signal,
    });
    await untilDone(machines, first, 200_000);
  });
  afterAll(async () => {
    await machines.close();
    await rm(platform.folder, { recursive: true });
  });
  const kubectl = async (...argv: string[]) => (await machines.exec(first, ["kubectl", ...argv])).stdout;

  it("become a Ready cluster, each by its own user-data", async () => {
    const console = await machines.console(first);
    expect(console).toContain('"message":"verify done"');
    expect(secondsBetween(console, "discover started", "verify done")).toBeLessThan(60);
    const nodes = await kubectl(
      "get",
      "nodes",
      "--no-headers",
      "-o",
      "custom-columns=:.metadata.name,:.status.conditions[-1].status",
    );
    expect(nodes.split("\n").map((line) => line.trim().split(/\s+/))).toEqual(
      [first, ...workers].map((name) => [name, "True"]),
    );
  });

  it("prove that a pod answers on every node", async () => {
    await expect.poll(() => machines.console(first), { timeout: 120_000 }).toContain('"message":"available done"');
  });

  it("keep the authorities' keys to control planes", async () => {
    expect(await keysOn(machines, first)).toContain("/etc/kubernetes/pki/ca.key");
    for (const name of workers) expect(await keysOn(machines, name)).toEqual([]);
  });

  it("leave no secret on their consoles", async () => {
    const { token } = JSON.parse(await readFile(join(platform.folder, "build126/worker.json"), "utf8")) as {
      token: string;
    };
    for (const name of [first, ...workers]) {
      const console = await machines.console(name);
      expect(console).not.toContain(token);
      expect(console).not.toMatch(/PRIVATE KEY-----|LS0tLS1CRUdJTi(?!BDRVJU)/);
    }
  });

  it("have etcd answer to its domain", async () => {
    const { stdout } = await machines.exec(first, [
      "openssl",
      "x509",
      "-noout",
      "-ext",
      "subjectAltName",
      "-in",
      "/etc/kubernetes/pki/etcd/server.crt",
    ]);
    expect(stdout).toContain(`DNS:${domains.etcd}`);
  });
});

describe.skipIf(reason !== null)(`a worker that nobody launched${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it("makes the first control plane exit with code 1 at the deadline, naming it", async () => {
    await prepareImage();
    const platform = await makeAuthorities();
    const [present, absent] = ["node01", "node02"].map(nameOf) as [string, string];
    const plan = planLaunch(platform, [present, absent], 40).map((machine) => ({
      ...machine,
      isAbsent: machine.name === absent,
    }));
    const machines = await launchMachines({
      clusterId: "c-withoutworker2",
      machines: plan,
      domains: Object.values(domains),
      signal: AbortSignal.timeout(60_000),
    });
    try {
      const console = await untilDone(machines, first, 100_000);
      expect(console).toContain(`1 of 3 peers are not Ready at the deadline: ${absent} (never registered)`);
      expect(console).toContain('"exitCode":1');
      const status = await machines.exec(first, [
        "systemctl",
        "show",
        "sprout-bootstrap.service",
        "-p",
        "ExecMainStatus",
        "--value",
      ]);
      expect(status.stdout).toBe("1");
      expect(await machines.console(present)).toContain('"message":"verify done"');
    } finally {
      await machines.close();
      await rm(platform.folder, { recursive: true });
    }
  });
});
