import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { mint, runMain, type SimulatedMachine, simulateMachine } from "../test/fakes/simulated-machine.ts";
import { createServerTls } from "../test/fakes/test-certificates.ts";
import { firstMetadata, userDataFields, workerMetadata } from "../test/fixtures/node-documents.ts";

const phasesOf = ({ server }: SimulatedMachine, state: string) =>
  server.reports.filter((report) => report.state === state).map(({ phase }) => phase);

describe("sprout-bootstrap", () => {
  it("brings a worker up and exits 0", async () => {
    const machine = await simulateMachine(workerMetadata);
    const { name } = workerMetadata.self;
    machine.kubernetes.addNode(name, { address: "127.0.0.1", ready: true });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(phasesOf(machine, "failed")).toEqual([]);
    expect(new Set(phasesOf(machine, "done"))).toEqual(
      new Set([
        "discover",
        "metadata",
        "preflight",
        "peers",
        "claim",
        "render",
        "confirm",
        "api-server",
        "kubelet",
        "register",
        "network",
        "verify",
      ]),
    );
    expect(machine.server.reports.map(({ sequence }) => sequence)).toEqual(
      machine.server.reports.map((_, index) => index + 1),
    );
    expect(machine.kubernetes.nodes.get(name)).toMatchObject({
      metadata: { annotations: { "sprout.internal/pod-cidr": "10.244.3.0/24" } },
      spec: { podCIDR: "10.244.3.0/24" },
    });
    const { mode } = await stat(join(machine.root, "var/lib/sprout/node/report-token"));
    expect(mode & 0o777).toBe(0o600);
    expect(await readFile(join(machine.root, "systemctl.log"), "utf8")).toBe(
      "start --no-block kubelet.service\nstart --no-block sprout-network-agent.service\n",
    );
  });

  it("prints no secret, even if it fails", async () => {
    const machine = await simulateMachine(workerMetadata);
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: true });
    const { stdout } = await machine.run();
    expect(stdout).toContain('"phase":"verify","state":"done"');
    expect(stdout).not.toMatch(/PRIVATE KEY|c{43}|r{43}/);
  });

  it("exits 1 on the first control plane and names the missing peer with its last phase", async () => {
    const machine = await simulateMachine(firstMetadata, 4);
    machine.kubernetes.addNode(firstMetadata.self.name, { address: "127.0.0.1", ready: true });
    const missing = [{ name: workerMetadata.self.name, lastPhase: "render", lastReportAgoMs: 12_000 }];
    expect(await machine.run()).toMatchObject({
      exitCode: 1,
      error:
        "Cannot prove the cluster: 1 of 2 peers are not Ready at the deadline: node03.build126.test (render, 12 s ago)",
    });
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "verify", state: "failed", exitCode: 1, missing });
    expect(machine.kubernetes.changes).toContain(
      "PATCH /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/sprout:network-agents",
    );
    expect(await readdir(join(machine.root, "etc/kubernetes/manifests"))).toEqual([
      "kube-controller-manager.yaml",
      "kube-scheduler.yaml",
    ]);
  });

  it("exits 2 on credentials for another role, and writes none of them", async () => {
    const machine = await simulateMachine(workerMetadata);
    const other = mint("control-plane", { allocation: workerMetadata.allocation, name: "cp01.build126.test" });
    machine.server.faults.set("/node/v1/claim", [{ kind: "body", body: JSON.stringify(other) }]);
    expect(await machine.run()).toMatchObject({
      exitCode: 2,
      error: "Cannot use credentials: they are for a control-plane, this is a worker",
    });
    await expect(stat(join(machine.root, "etc/kubernetes"))).rejects.toThrow("ENOENT");
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "claim", state: "failed", exitCode: 2 });
  });

  it("exits 2 on a seed with an unknown field", async () => {
    const machine = await simulateMachine(workerMetadata);
    const seed = JSON.parse(await readFile(join(machine.root, "etc/sprout/seed.json"), "utf8")) as object;
    await writeFile(join(machine.root, "etc/sprout/seed.json"), JSON.stringify({ ...seed, role: "worker" }));
    expect(await machine.run()).toMatchObject({
      exitCode: 2,
      error: "Cannot use seed /etc/sprout/seed.json: /role: Unknown field",
    });
    expect(machine.server.requests).toEqual([]);
  });

  it("exits 3 with every preflight problem at once, and confirms nothing", async () => {
    const machine = await simulateMachine(workerMetadata);
    await writeFile(join(machine.root, "proc/swaps"), "Filename\n/dev/sda2 partition\n");
    await writeFile(join(machine.root, "proc/sys/net/ipv4/ip_forward"), "0\n");
    expect(await machine.run()).toMatchObject({
      exitCode: 3,
      error:
        "Cannot pass preflight: swap: /dev/sda2 is on; turn it off (swapoff -a) and remove it from /etc/fstab | " +
        "sysctl: net.ipv4.ip_forward is 0; set it to 1 (sysctl -w net.ipv4.ip_forward=1)",
    });
    expect(machine.server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
  });

  it("exits 4 when kubeadm fails, with the redacted tail of its output", async () => {
    const machine = await simulateMachine(firstMetadata);
    await writeFile(
      join(machine.root, "bin/kubeadm"),
      "#!/bin/sh\necho 'token abcdef.0123456789abcdef'\necho 'CA is damaged' >&2\nexit 1\n",
    );
    expect(await machine.run()).toMatchObject({
      exitCode: 4,
      error: expect.stringMatching(/^Cannot run "kubeadm init .*": CA is damaged$/) as string,
    });
    expect(machine.server.reports.at(-1)).toMatchObject({
      phase: "static-pods",
      exitCode: 4,
      logTail: "token [token]\nCA is damaged",
    });
  });

  it("exits 5 when the server's authority is not the pinned one", async () => {
    const machine = await simulateMachine(workerMetadata);
    const seed = JSON.parse(await readFile(join(machine.root, "etc/sprout/seed.json"), "utf8")) as object;
    const { ca } = await createServerTls(join(machine.root, "other"));
    await writeFile(join(machine.root, "etc/sprout/seed.json"), JSON.stringify({ ...seed, ca }));
    const { exitCode, error } = await machine.run();
    expect({ exitCode, error }).toEqual({
      exitCode: 5,
      error: expect.stringContaining("its authority is not the pinned one") as string,
    });
    expect(machine.server.requests).toEqual([]);
  });

  it("prints steps and files with secrets masked on plan, and claims and writes nothing", async () => {
    const machine = await simulateMachine(firstMetadata);
    const before = await readdir(machine.root, { recursive: true });
    const { exitCode, stdout } = await machine.run("plan");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("  static-pods after render\n");
    expect(stdout).toContain("--- /etc/kubernetes/pki/ca.key (600)\n[masked]\n");
    expect(stdout).toContain("allocate-node-cidrs");
    expect(machine.server.requests.map(({ path }) => path)).toEqual(["/node/v1/metadata"]);
    expect(await readdir(machine.root, { recursive: true })).toEqual(before);
  });

  it("renders with the operator's templates, and refuses those that cannot be filled before it confirms anything", async () => {
    const machine = await simulateMachine(workerMetadata);
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: true });
    const hosts = join(machine.root, "own/etc/hosts");
    await mkdir(dirname(hosts), { recursive: true });
    await writeFile(hosts, "{{address}} {{name}} {{alias}}\n{{#others}}\n");
    expect(await machine.run("--templates", "/own")).toMatchObject({
      exitCode: 2,
      error:
        `Cannot use templates of ${machine.root}/own: etc/hosts:2: unclosed section "others"; ` +
        'etc/hosts:1: unknown placeholder "alias"; known are: address, endpoint, name, others, shortName',
    });
    expect(machine.server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "render", state: "failed", exitCode: 2 });
    await writeFile(hosts, "{{address}} {{name}} own\n");
    expect((await machine.run("plan", "--templates", "/own")).stdout).toContain(
      "--- /etc/hosts (644)\n127.0.0.1 node03.build126.test own\n",
    );
  });

  it("reports what a file is on check, or every error in it", async () => {
    const root = await temporaryFolder("bootstrap");
    const file = join(root, "metadata.json");
    await writeFile(file, JSON.stringify(workerMetadata));
    expect(await runMain(root, ["check", file])).toMatchObject({ exitCode: 0, stdout: `${file} is valid metadata` });
    const self = { ...workerMetadata.self, podCidr: "10.99.0.0/24" };
    await writeFile(file, JSON.stringify({ ...workerMetadata, self, peers: ["cp01.build126.test"] }));
    expect(await runMain(root, ["check", file])).toMatchObject({
      exitCode: 2,
      error:
        "Cannot use metadata: /peers: Expected no peers but for the first control plane; /peers: Expected a list with " +
        "this node; /self/podCidr: Expected a subnet of /network/podSubnet",
    });
    await writeFile(file, JSON.stringify(userDataFields));
    expect(await runMain(root, ["check", file])).toMatchObject({ exitCode: 0, stdout: `${file} is valid user-data` });
    await writeFile(file, JSON.stringify({ ...userDataFields, myRole: "master", domainsEnv: "" }));
    expect(await runMain(root, ["check", file])).toMatchObject({
      exitCode: 2,
      error:
        `Cannot use user-data ${file}: /myRole: Expected node, because /kubenodesAddr names this node; ` +
        ["BASE_DOMAIN", "API_SERVER_DOMAIN", "ETCD_DOMAIN"]
          .map((name) => `/domainsEnv/${name}: Expected a lower-case domain name, got nothing`)
          .join("; "),
    });
    await writeFile(file, JSON.stringify({ server: "https://ms", capability: "short", extra: true }));
    expect(await runMain(root, ["check", file])).toMatchObject({
      exitCode: 2,
      error: expect.stringContaining("/ca: Expected PEM, got nothing") as string,
    });
  });

  it("takes the user-data of several machines on check, and one file that identifies this machine on plan", async () => {
    const root = await temporaryFolder("bootstrap");
    const [one, other, seed] = ["one.json", "other.json", "seed.json"].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(one, JSON.stringify(userDataFields));
    await writeFile(other, JSON.stringify({ ...userDataFields, myDomain: "node01.build126.test" }));
    await writeFile(seed, '{"server": "https://ms"}');
    expect(await runMain(root, ["check", one, other])).toMatchObject({
      exitCode: 0,
      stdout: `${one} is valid user-data\n${other} is valid user-data`,
    });
    expect(await runMain(root, ["check", one, one])).toMatchObject({
      exitCode: 2,
      error: `Cannot make one cluster: ${one}: /myDomain: Expected another name than in ${one}`,
    });
    expect(await runMain(root, ["plan", seed])).toMatchObject({
      exitCode: 2,
      error: `Cannot plan from ${seed}: its kind (seed) does not identify this machine; give metadata, or user-data with names`,
    });
    await writeFile(other, Buffer.from(JSON.stringify({ ...userDataFields, myDomain: "n\xfc" }), "latin1"));
    for (const command of ["check", "plan"])
      expect(await runMain(root, [command, other])).toMatchObject({
        exitCode: 2,
        error: `Cannot use ${other}: it is not UTF-8 (byte FC on line 1); save it as UTF-8`,
      });
    expect(await runMain(root, ["check", join(root, "none.json")])).toMatchObject({
      exitCode: 2,
      error: `Cannot read ${root}/none.json: it does not exist`,
    });
  });

  it.each([
    [["frobnicate"], 'unknown command "frobnicate"'],
    [["run", "x"], "too many arguments for run"],
    [["plan", "x", "y"], "too many arguments for plan"],
    [["check"], "check needs a file"],
    [["--wat"], "Unknown option '--wat'"],
  ])("exits 2 on %j", async (args, reason) => {
    const { exitCode, error } = await runMain("/nonexistent", args);
    expect({ exitCode, error }).toEqual({ exitCode: 2, error: expect.stringContaining(reason) as string });
  });
});
