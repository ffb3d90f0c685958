import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mint, type SimulatedMachine, simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { kubeadmWorkerMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";

async function simulateWorker(deadlineSeconds = 20) {
  const machine = await simulateMachine(kubeadmWorkerMetadata, deadlineSeconds);
  machine.kubernetes.addNode(kubeadmWorkerMetadata.self.name, { address: "127.0.0.1", ready: true });
  await mkdir(join(machine.root, "etc/kubernetes/pki"), { recursive: true });
  return machine;
}

const joins = async ({ root }: SimulatedMachine) =>
  (await readFile(join(root, "kubeadm.log"), "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replaceAll(root, ""));
const kubernetesFiles = async ({ root }: SimulatedMachine) =>
  (await readdir(join(root, "etc/kubernetes"), { recursive: true })).toSorted();
const joined = ["kubeadm-join.yaml", "kubelet.conf", "pki", "pki/ca.crt"];

describe("joinCluster (simulated machine)", () => {
  it("runs kubeadm join and keeps no bootstrap certificate", async () => {
    const machine = await simulateWorker();
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(await joins(machine)).toEqual(["join --config=/etc/kubernetes/kubeadm-join.yaml"]);
    expect(await kubernetesFiles(machine)).toEqual(joined);
    const done = machine.server.reports.filter(({ state }) => state === "done").map(({ phase }) => phase);
    expect(done).toContain("join");
    expect(done).not.toContain("kubelet");
  });

  it("starts a join over that was interrupted before the kubelet had its certificate", async () => {
    const machine = await simulateWorker();
    // As kubeadm leaves it when it is killed while the kubelet waits for its certificate.
    const fault =
      'rm "$ROOT/join-fault"; cd "$ROOT/etc/kubernetes"; touch bootstrap-kubelet.conf pki/ca.crt; kill -9 $$';
    await writeFile(join(machine.root, "join-fault"), fault);
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(await joins(machine)).toHaveLength(2);
    expect(await kubernetesFiles(machine)).toEqual(joined);
  });

  it("resumes a join whose kubelet already has its certificate", async () => {
    const machine = await simulateWorker();
    const { root } = machine;
    const fault =
      'rm "$ROOT/join-fault"; . "$ROOT/bin/kubeadm-join"; touch bootstrap-kubelet.conf; echo lost >&2; exit 1';
    await writeFile(join(root, "join-fault"), fault);
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(await joins(machine)).toHaveLength(1);
    expect(await kubernetesFiles(machine)).toEqual(joined);
    expect(await readFile(join(root, "systemctl.log"), "utf8")).toContain("start --no-block kubelet.service\n");
  });

  it("stops after three attempts with the first error", async () => {
    const machine = await simulateWorker();
    await writeFile(
      join(machine.root, "join-fault"),
      'echo "unable to fetch kubeadm-config: attempt $(wc -l < "$ROOT/kubeadm.log")" >&2; exit 1',
    );
    expect(await machine.run()).toMatchObject({
      exitCode: 4,
      error: `Cannot run "kubeadm join --config=${machine.root}/etc/kubernetes/kubeadm-join.yaml": unable to fetch kubeadm-config: attempt 1`,
    });
    expect(await joins(machine)).toHaveLength(3);
  });

  it.each([
    "[ERROR Swap]: running with swap on is not supported",
    'a Node with name "x" and status "Ready" already exists in the cluster',
  ])("does not retry an error that cannot pass: %s", async (message) => {
    const machine = await simulateWorker();
    await writeFile(join(machine.root, "join-fault"), `cat >&2 <<'end'\n${message}\nend\nexit 1`);
    expect(await machine.run()).toMatchObject({ exitCode: 4, error: expect.stringContaining(message) as string });
    expect(await joins(machine)).toHaveLength(1);
  });

  it("kills the join at the deadline with all its descendants, and does not start it again", async () => {
    const machine = await simulateWorker(3);
    await writeFile(join(machine.root, "join-fault"), 'sleep 100 & echo $! > "$ROOT/child"; wait');
    expect(await machine.run()).toMatchObject({
      exitCode: 4,
      error: expect.stringMatching(/^Cannot run "kubeadm join .*": the deadline passed$/) as string,
    });
    expect(await joins(machine)).toHaveLength(1);
    const child = Number(await readFile(join(machine.root, "child"), "utf8"));
    // Nothing, or a zombie if PID 1 does not reap.
    expect(await readFile(`/proc/${child}/cmdline`, "utf8").catch(() => "")).toBe("");
  });

  it("exits 2 on credentials for the other kind of join, and writes none of them", async () => {
    const machine = await simulateWorker();
    const other = mint("worker", { allocation: workerMetadata.allocation, name: workerMetadata.self.name });
    machine.server.faults.set("/node/v1/claim", [{ kind: "body", body: JSON.stringify(other) }]);
    expect(await machine.run()).toMatchObject({
      exitCode: 2,
      error: "Cannot use credentials: they are for a join by certificate, the metadata says kubeadm",
    });
    expect(await kubernetesFiles(machine)).toEqual(["pki"]);
  });
});
