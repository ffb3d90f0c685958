import { randomBytes } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sealPki } from "#api/sealed-pki.ts";
import { rebootSimulatedRoot } from "../fakes/simulated-root.ts";
import { clusterPki, simulateLaunch } from "../fakes/simulated-launch.ts";
import { pem, userDataFields } from "../fixtures/node-documents.ts";

const first = "master01.build126.test";
const worker = "node02.build126.test";
const userData = { ...userDataFields, masterAddr: first, deadlineSeconds: 60 };
const asFirst = { ...userData, myDomain: first, myRole: "master" };
let machines = 0;
/** A separate address for each test: the API server's port is always the same. */
const nextAddress = () => `127.77.${process.pid % 250}.${++machines}`;

const launchWorker = async (changed: object = {}, options: object = {}) => {
  const address = nextAddress();
  const machine = await simulateLaunch({
    userData: { ...userData, ...changed },
    address,
    name: worker,
    clusterPki: clusterPki.worker,
    ...options,
  });
  machine.kubernetes.addNode(worker, { address, ready: true });
  return machine;
};
const read = (root: string, path: string) => readFile(join(root, path), "utf8");
const stepsOf = (stdout: string) => [...stdout.matchAll(/"message":"([a-z-]+ done)"/g)].map(([, step]) => step);
/** The last line of a machine that failed. */
const failureOn = (stdout: string) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as object;
const everything = (root: string) => readdir(root, { recursive: true });

describe("sprout-bootstrap run without a server (simulated)", () => {
  it("joins as a worker by token, reports to its console only, and remembers no secret", async () => {
    const { root, run, kubernetes } = await launchWorker();
    const { exitCode, stdout, error } = await run();
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: "" });
    expect(stepsOf(stdout)).toEqual(expect.arrayContaining(["claim done", "join done", "verify done"]));
    expect(stdout).not.toContain(clusterPki.worker.token);
    expect(await readdir(join(root, "var/lib/sprout/node"))).toEqual(["allocation.json", "journal.jsonl"]);
    expect(await read(root, "var/lib/sprout/node/journal.jsonl")).toContain('"phase":"verify","state":"done"');
    await expect(lstat(join(root, "etc/kubernetes/discovery.conf"))).rejects.toThrow("ENOENT");
    expect(kubernetes.nodes.get(worker)).toMatchObject({ spec: { podCIDR: "10.244.2.0/24" } });
    // There is no server to keep pods from.
    expect(await read(root, "iptables.rules")).not.toContain("DROP");
  });

  it("comes up as a further control plane with certificates that kubeadm makes from its authorities", async () => {
    const address = nextAddress();
    const name = "master02.build126.test";
    const self = { masterAddr: `${first} ${name}`, myDomain: name, myRole: "master" };
    const controlPlane = { address, name, clusterPki: clusterPki.controlPlane };
    const { root, run, kubernetes } = await simulateLaunch({ userData: { ...userData, ...self }, ...controlPlane });
    kubernetes.addNode(name, { address, ready: true });
    const { exitCode, error } = await run();
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: "" });
    const kubelet = await read(root, "etc/kubernetes/kubelet.conf");
    expect(kubelet).toContain("client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem");
    expect(kubelet).not.toContain("client-key-data");
    expect(await readlink(join(root, "var/lib/kubelet/pki/kubelet-client-current.pem"))).toMatch(
      /^\/var\/lib\/kubelet\/pki\/kubelet-client-\d{4}(-\d\d){5}\.pem$/,
    );
    expect(await read(root, "etc/kubernetes/pki/ca.key")).toBe(clusterPki.controlPlane.pki["ca.key"]);
  });

  it("resumes after a crash within its deadline, and only starts what it runs after a reboot", async () => {
    const { root, run, write } = await launchWorker();
    await write("kubeadm-fault", 'rm "$ROOT/kubeadm-fault"; kill -9 $PPID; exit 1');
    expect((await run()).exitCode).toBeUndefined();
    const { received } = JSON.parse(await read(root, "var/lib/sprout/node/allocation.json")) as { received: object };
    const again = await run();
    expect(again).toMatchObject({ exitCode: 0, error: "" });
    expect(again.stdout).toMatch(/resuming a-[a-z2-7]{16}: [\d.]+ s of its deadline are left by the monotonic clock/);
    expect(JSON.parse(await read(root, "var/lib/sprout/node/allocation.json"))).toMatchObject({ received });
    await rebootSimulatedRoot(root, "boot-2");
    const rebooted = await run();
    expect(rebooted).toMatchObject({ exitCode: 0, error: "" });
    expect(rebooted.stdout).toContain("is done: starting what it runs after a reboot");
    expect(stepsOf(rebooted.stdout)).not.toContain("join done");
  });

  it("refuses a machine of another allocation, and touches nothing", async () => {
    const { root, run, write } = await launchWorker();
    expect(await run()).toMatchObject({ exitCode: 0 });
    const before = await read(root, "var/lib/sprout/node/allocation.json");
    await write("etc/sprout/user-data.json", JSON.stringify({ ...userData, deadlineSeconds: 61 }));
    const refused = await run();
    expect(refused.exitCode).toBe(3);
    expect(refused.error).toMatch(/^Cannot become node02\.build126\.test \(a-\w+\): this machine is node02/);
    expect(await read(root, "var/lib/sprout/node/allocation.json")).toBe(before);
  });

  it.each([
    ["an invalid role", { myRole: "boss" }, "/myRole: Expected master or node"],
    [
      "a name that is in no list",
      { myDomain: "node09.build126.test" },
      "/myDomain: Expected a name in /masterAddr or /kubenodesAddr",
    ],
    [
      "half of its domains",
      { domainsEnv: "BASE_DOMAIN=test" },
      "/domainsEnv/ETCD_DOMAIN: Expected a lower-case domain name, got nothing",
    ],
  ])("exits 2 and changes nothing for %s", async (_what, changed, problem) => {
    const { root, run } = await launchWorker(changed);
    const before = await everything(root);
    const { exitCode, error, stdout } = await run();
    expect({ exitCode, error }).toEqual({ exitCode: 2, error: expect.stringContaining(problem) as string });
    expect(failureOn(stdout)).toMatchObject({ level: "error", phase: "metadata", exitCode: 2, error });
    expect(await everything(root)).toEqual(before);
  });

  it.each([
    ["is not JSON", "{'myRole': 'node'}", "it is truncated or not JSON (line 1 column 2)"],
    [
      "was encoded twice",
      Buffer.from(JSON.stringify(userData)).toString("base64"),
      "it is base64, not JSON: it was encoded twice",
    ],
    ["is cloud-init's", "#cloud-config\n{}\n", "it is cloud-init's user-data, not JSON"],
    ["is a server's for EC2", '{"sprout": {}}', "it names a metadata server, as EC2's user-data does"],
    ["is a seed", '{"capability": ""}', "it is a seed; its place is /etc/sprout/seed.json"],
    ["is larger than EC2 takes", " ".repeat(17_000), "Expected at most 16384 bytes (EC2's limit), got 17000"],
  ])("exits 2, changes nothing and reports to its console if user-data %s", async (_what, text, problem) => {
    const { root, run, write } = await launchWorker();
    await write("etc/sprout/user-data.json", text);
    const before = await everything(root);
    const { exitCode, error, stdout } = await run();
    const reason = `Cannot use user-data of /etc/sprout/user-data.json: ${problem}`;
    expect({ exitCode, error }).toEqual({ exitCode: 2, error: expect.stringContaining(reason) as string });
    expect(failureOn(stdout)).toMatchObject({ level: "error", phase: "metadata", exitCode: 2, error });
    expect(await everything(root)).toEqual(before);
  });

  it("exits 2 with every name that does not resolve, and changes nothing", async () => {
    const unknown = ["api.build126.test", "etcd.build126.test"];
    const { root, run } = await launchWorker({}, { unknown, contactTimeoutMs: 1200 });
    const before = await everything(root);
    expect(await run()).toMatchObject({
      exitCode: 2,
      error:
        "Cannot use user-data: /domainsEnv: api.build126.test does not resolve (ENOTFOUND); /domainsEnv: etcd.build126.test " +
        "does not resolve (ENOTFOUND); each needs an IPv4 address in DNS or /etc/hosts",
    });
    expect(await everything(root)).toEqual(before);
  });

  it.each([
    ["none", undefined, "Cannot find the cluster's authorities: user-data has no sealedPki and there is neither /etc"],
    [
      "no bundle",
      { role: "worker" },
      "/token: Expected a bootstrap token such as abcdef.0123456789abcdef, got nothing",
    ],
    [
      "a bundle with a damaged authority",
      { ...clusterPki.worker, pki: { "ca.crt": pem("CERTIFICATE", "x") } },
      "/pki/ca.crt",
    ],
  ])("exits 2 and changes nothing if the cluster PKI is %s", async (_what, pki, problem) => {
    const { root, run } = await launchWorker({}, { clusterPki: pki });
    const before = await everything(root);
    const { exitCode, error } = await run();
    expect({ exitCode, error }).toEqual({ exitCode: 2, error: expect.stringContaining(problem) as string });
    expect(await everything(root)).toEqual(before);
  });

  it("fetches the cluster PKI by the image's command, and reports how it failed", async () => {
    const { root, run, write } = await launchWorker({}, { clusterPki: undefined, contactTimeoutMs: 2000 });
    const commandFile = "etc/sprout/cluster-pki-command";
    await write(commandFile, "#!/bin/sh\necho 'AccessDenied: no such parameter' >&2\nexit 1\n", 0o700);
    const { exitCode, error, stdout } = await run();
    const reason =
      /^Cannot fetch the cluster's authorities: .* api\.build126\.test": AccessDenied: no such parameter, and/;
    expect({ exitCode, error }).toEqual({ exitCode: 5, error: expect.stringMatching(reason) as string });
    expect(failureOn(stdout)).toMatchObject({ level: "error", phase: "metadata", exitCode: 5, error });
    await write(commandFile, `#!/bin/sh\ncat ${root}/there.json\n`, 0o700);
    await write("there.json", JSON.stringify(clusterPki.worker));
    const fetched = await run();
    expect(fetched).toMatchObject({ exitCode: 0, error: "" });
    expect(fetched.stdout).not.toContain(clusterPki.worker.token);
  });

  it("opens the sealed PKI in its user-data only with the key of its image", async () => {
    const sealedFor = { role: "worker" as const, apiServerDomain: "api.build126.test" };
    const [key, other] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString("base64url"));
    const sealedPki = sealPki(key ?? "", JSON.stringify(clusterPki.worker), sealedFor);
    const { run, write } = await launchWorker({ sealedPki }, { clusterPki: undefined });
    expect((await run()).error).toContain("there is no /etc/sprout/user-data.key; bake it");
    await write("etc/sprout/user-data.key", `${other}\n`);
    expect(await run()).toMatchObject({
      exitCode: 2,
      error:
        "Cannot open sealedPki of user-data: it was changed, sealed by another key than /etc/sprout/user-data.key, or not " +
        "for a worker of api.build126.test",
    });
    await write("etc/sprout/user-data.key", `${key}\n`);
    expect(await run()).toMatchObject({ exitCode: 0, error: "" });
  });

  it("accepts no worker's bundle on a control plane, and keeps no key on a worker", async () => {
    const [address, name] = [nextAddress(), first];
    const wrong = await simulateLaunch({ userData: asFirst, address, name, clusterPki: clusterPki.worker });
    expect(await wrong.run()).toMatchObject({
      exitCode: 2,
      error:
        "Cannot use cluster PKI of /etc/sprout/cluster-pki.json: it is a worker's, without keys, and this is a control plane",
    });
    const shared = await launchWorker({}, { clusterPki: clusterPki.controlPlane });
    expect(await shared.run()).toMatchObject({ exitCode: 0 });
    const files = await readdir(join(shared.root, "etc/kubernetes"), { recursive: true });
    expect(files.filter((file) => file.endsWith(".key"))).toEqual([]);
  });
});
