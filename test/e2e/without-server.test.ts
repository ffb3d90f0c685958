import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubernetesVersion, prepareImage, whyNoMachines } from "../lab/lab.ts";
import { launchMachines, type LaunchedMachines } from "../lab/launched-machines.ts";
import { domains, nameOf, openTestPlatform, type PlatformCluster, type TestPlatform } from "../lab/test-platform.ts";

const reason = whyNoMachines();
const first = nameOf("master01");

async function launch(platform: TestPlatform, clusterId: string, cluster: PlatformCluster): Promise<LaunchedMachines> {
  const machines = platform.planLaunch(cluster);
  const signal = AbortSignal.timeout(60_000);
  return launchMachines({ clusterId, machines, domains: Object.values(domains), signal });
}

const readyNodes = async (machines: LaunchedMachines) => {
  const columns = "custom-columns=:.metadata.name,:.status.conditions[-1].status";
  const { stdout } = await machines.exec(first, ["kubectl", "get", "nodes", "--no-headers", "-o", columns]);
  return stdout.split("\n").map((line) => line.trim().split(/\s+/));
};

async function untilDone(machines: LaunchedMachines, name: string, timeoutMs: number): Promise<string> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const console = await machines.console(name);
    if (/"message":"verify (done|failed)"|"exitCode":\d/.test(console) || Date.now() > deadline) return console;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Read from the machine's console. */
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
  let platform: TestPlatform;
  let machines: LaunchedMachines;

  beforeAll(async () => {
    await prepareImage();
    platform = await openTestPlatform();
    machines = await launch(platform, "c-withoutserver2", { masters: [first], workers });
    await untilDone(machines, first, 200_000);
  });
  afterAll(async () => {
    await machines.close();
    await platform.close();
  });

  it("become a Ready cluster, each by its own user-data", async () => {
    const console = await machines.console(first);
    expect(console).toContain('"message":"verify done"');
    expect(secondsBetween(console, "discover started", "verify done")).toBeLessThan(60);
    expect(await readyNodes(machines)).toEqual([first, ...workers].map((name) => [name, "True"]));
  });

  it("ask EC2's service for a token first, and for nothing without one", () => {
    const asked = ["PUT /latest/api/token", "GET /latest/user-data", "GET /latest/meta-data/instance-id"];
    for (const name of [first, workers[2] ?? ""]) {
      const requests = machines.instanceRequests(name);
      expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual(asked);
      expect(requests.map(({ hasToken, status }) => [hasToken, status])).toEqual([
        [false, 200],
        [true, 200],
        [true, 200],
      ]);
    }
  });

  it("prove that a pod answers on every node", async () => {
    await expect.poll(() => machines.console(first), { timeout: 120_000 }).toContain('"message":"available done"');
  });

  it("keep the authorities' keys to control planes", async () => {
    expect(await keysOn(machines, first)).toContain("/etc/kubernetes/pki/ca.key");
    for (const name of workers) expect(await keysOn(machines, name)).toEqual([]);
  });

  it("leave no secret on their consoles", async () => {
    for (const name of [first, ...workers]) {
      const console = await machines.console(name);
      expect(console).not.toContain(platform.token);
      expect(console).not.toMatch(/PRIVATE KEY-----|LS0tLS1CRUdJTi(?!BDRVJU)/);
    }
  });

  it("print their plan, secrets masked, and change nothing", async () => {
    const { exitCode, stdout } = await machines.exec(first, ["sprout-bootstrap", "plan"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${first}: first-control-plane of build126, Kubernetes ${kubernetesVersion}`);
    expect(stdout).toContain("--- /etc/kubernetes/pki/ca.key (600)\n[masked]\n");
    expect(stdout).not.toContain(platform.token);
  });

  it("have etcd answer to its domain", async () => {
    const show = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", "/etc/kubernetes/pki/etcd/server.crt"];
    const { stdout } = await machines.exec(first, show);
    expect(stdout).toContain(`DNS:${domains.etcd}`);
  });
});

describe.skipIf(reason !== null)(`three masters without a server${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it("become control planes that share their authorities, with a worker", async () => {
    await prepareImage();
    const platform = await openTestPlatform();
    const masters = ["master01", "master02", "master03"].map(nameOf);
    const workers = [nameOf("node01")];
    const machines = await launch(platform, "c-withoutserver3", { masters, workers });
    try {
      expect(await untilDone(machines, first, 200_000)).toContain('"message":"verify done"');
      expect(await readyNodes(machines)).toEqual([...masters, ...workers].map((name) => [name, "True"]));
      const members = ["get", "pods", "-n", "kube-system", "-l", "component=etcd", "-o", "name"];
      const { stdout } = await machines.exec(first, ["kubectl", ...members]);
      expect(stdout.split("\n")).toEqual(masters.map((name) => `pod/etcd-${name}`));
    } finally {
      await machines.close();
      await platform.close();
    }
  });
});

describe.skipIf(reason !== null)(
  `a planned worker that was never launched${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    it("makes the first control plane exit with code 1 at the deadline, naming it", async () => {
      await prepareImage();
      const platform = await openTestPlatform();
      const [present, absent] = [nameOf("node01"), nameOf("node02")];
      const cluster = { masters: [first], workers: [present, absent], absent: [absent], deadlineSeconds: 40 };
      const machines = await launch(platform, "c-withoutworker2", cluster);
      try {
        const console = await untilDone(machines, first, 100_000);
        expect(console).toContain(`1 of 3 peers are not Ready at the deadline: ${absent} (never registered)`);
        expect(console).toContain('"exitCode":1');
        const show = ["systemctl", "show", "sprout-bootstrap.service", "-p", "ExecMainStatus", "--value"];
        expect((await machines.exec(first, show)).stdout).toBe("1");
        expect(await machines.console(present)).toContain('"message":"verify done"');
      } finally {
        await machines.close();
        await platform.close();
      }
    });
  },
);

describe.skipIf(reason !== null)(`machines with wrong user-data${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it("exit with code 2 and say why on their consoles and in their journals, where alone it can be read", async () => {
    await prepareImage();
    const [instance, other] = [first, nameOf("node01")];
    const fields = '{"masterAddr": "a.test", "masterAddr": "b.test", "myRole": "boss"}';
    const wrong = [
      { name: instance, text: Buffer.from('{"myRole": "node"}').toString("base64"), reason: "it is base64, not JSON" },
      { name: other, text: fields, reason: "/masterAddr: Expected one value, got several; " },
    ] as const;
    const machines = await launchMachines({
      clusterId: "c-wronguserdata2",
      machines: [
        { name: instance, role: "control-plane", files: {}, instanceUserData: wrong[0].text },
        { name: other, role: "worker", files: { "etc/sprout/user-data.json": wrong[1].text } },
      ],
      domains: [],
      signal: AbortSignal.timeout(60_000),
    });
    try {
      for (const { name, reason: why } of wrong) {
        expect(await untilDone(machines, name, 60_000)).toContain(why);
        const { stdout } = await machines.exec(name, ["journalctl", "-o", "cat", "-u", "sprout-bootstrap.service"]);
        expect(stdout).toContain(why);
        const show = ["systemctl", "show", "sprout-bootstrap.service", "-p", "ExecMainStatus", "--value"];
        await expect.poll(async () => (await machines.exec(name, show)).stdout, { timeout: 10_000 }).toBe("2");
      }
    } finally {
      await machines.close();
    }
  });
});
