import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { killAt } from "../../test/fakes/kill-points.ts";
import type { SimulatedMachine } from "../../test/fakes/simulated-machine.ts";
import { counts, expectDoneWorker, files, readyWorker, setReady } from "../../test/fixtures/simulated-nodes.ts";
import { workerMetadata } from "../../test/fixtures/node-documents.ts";
import { podMounts } from "./mounts.ts";
import { withoutNodeRules } from "./packet-filter.ts";

const read = ({ root }: SimulatedMachine, path: string) => readFile(join(root, path), "utf8");
async function write({ root }: SimulatedMachine, path: string, text: string) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

/** Every file of the machine, without the notes of fake programs. */
async function filesOf({ root }: SimulatedMachine): Promise<string[]> {
  const all = await readdir(root, { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !/^[^/]*$|^tls\/|^run\/fake-units\//.test(path))
    .toSorted();
}

/** The machine as the kubelet and its pods leave it. */
async function run(machine: SimulatedMachine) {
  expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
  await write(machine, "var/lib/kubelet/pods/uid/volumes/token", "secret");
  await write(machine, "var/log/pods/kube-proxy/0.log", "text");
  await write(machine, "var/lib/cni/networks/sprout/10.244.3.2", "id");
  await write(machine, "sys/class/net/cni0/address", "52:54:00:00:00:01\n");
  await write(machine, "run/netns/cni-1234", "");
  await write(machine, "containers", "sandbox\nproxy\nended\n");
  await write(machine, "tasks", "sandbox\nproxy\n");
  await write(machine, "proc/self/mountinfo", "1 2 3 / /var/lib/kubelet/pods/uid/volumes/token rw - tmpfs\n");
  await write(
    machine,
    "iptables.saved",
    "*nat\n:KUBE-SVC - [0:0]\n-A KUBE-SVC -j ACCEPT\n-A INPUT -j ACCEPT\nCOMMIT\n",
  );
}

/** Gives a machine another one's seed, and with it its server and allocation. */
const giveSeed = async (from: SimulatedMachine, to: SimulatedMachine) =>
  write(to, "etc/sprout/seed.json", await read(from, "etc/sprout/seed.json"));

describe("sprout-bootstrap reset (simulated machine)", () => {
  it("leaves only the image's files, stops what ran, clears the network, and reports what it did", async () => {
    const machine = await readyWorker();
    const before = await filesOf(machine);
    await run(machine);
    const { exitCode, stdout, error } = await machine.run("reset");
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: "" });
    const network = ["sys/class/net/cni0/address"];
    expect(await filesOf(machine)).toEqual([...before, ...network].toSorted());
    expect(await read(machine, "etc/hosts")).toBe("127.0.0.1 localhost\n");
    await expect(stat(join(machine.root, "var/lib/sprout/node"))).rejects.toThrow("ENOENT");
    expect(await files(machine.root, "run/fake-units")).toEqual(["containerd.service"]);
    expect(await read(machine, "containers")).toBe("");
    expect(await read(machine, "tasks")).toBe("");
    expect(await read(machine, "umount.log")).toBe("/var/lib/kubelet/pods/uid/volumes/token\n");
    expect(await read(machine, "ip.log")).toBe("route flush proto 157\nlink delete cni0\n");
    expect(await read(machine, "iptables.saved")).toBe("*nat\n-A INPUT -j ACCEPT\nCOMMIT\n");
    const lines = stdout.split("\n").map((line) => (JSON.parse(line) as { message: string }).message);
    expect(lines).toEqual([
      "reset bring-up",
      "reset units",
      "reset containers",
      "reset mounts",
      "reset network",
      "reset files",
      "reset container runtime",
      "reset done",
    ]);
  });

  it("restores a resolv.conf without a name server", async () => {
    const none = "# This machine has no name server\n";
    const machine = await readyWorker();
    await write(machine, "etc/resolv.conf", none);
    await run(machine);
    expect(await read(machine, "etc/resolv.conf")).toBe("nameserver 127.0.0.1\n");
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await read(machine, "etc/resolv.conf")).toBe(none);
  });

  it("does not touch a resolv.conf that had a name server, and may have changed since", async () => {
    const machine = await readyWorker();
    await write(machine, "etc/resolv.conf", "nameserver 10.0.0.2\n");
    await run(machine);
    await write(machine, "etc/resolv.conf", "nameserver 10.0.0.3\n");
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await read(machine, "etc/resolv.conf")).toBe("nameserver 10.0.0.3\n");
  });

  it("changes nothing on a clean machine, or when it runs again", async () => {
    const machine = await readyWorker();
    const before = await filesOf(machine);
    for (let time = 0; time < 2; time += 1) {
      expect(await machine.run("reset")).toMatchObject({ exitCode: 0, error: "" });
      expect(await filesOf(machine)).toEqual(before);
    }
  });

  it("frees the machine for another allocation that it refused before", async () => {
    const machine = await readyWorker();
    const other = await readyWorker();
    await run(machine);
    const record = await read(machine, "var/lib/sprout/node/allocation.json");
    const theirs = record
      .replace(workerMetadata.allocation, "a-zzzzzzzzzzzzzzzz")
      .replace(/"capabilitySha256": ".*"/, '"capabilitySha256": "theirs"');
    await write(machine, "var/lib/sprout/node/allocation.json", theirs);
    await giveSeed(other, machine);
    const { kubernetes, server } = other;
    expect(await machine.run()).toMatchObject({ exitCode: 3 });
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(kubernetes.changes).toEqual([]);
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(other)).toEqual({ metadata: 2, claims: 1, confirms: 1 });
    expect(server.reports.at(-1)).toMatchObject({ phase: "verify", state: "done" });
  });

  it("lets the same allocation begin again if nothing was confirmed, and continues the count of its reports", async () => {
    const machine = await readyWorker();
    const point = { at: "request", path: "/node/v1/claim/confirm", stage: "received" } as const;
    expect(await killAt(machine, point)).toMatchObject({ killed: true });
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(machine)).toEqual({ metadata: 2, claims: 2, confirms: 2 });
    await expectDoneWorker(machine);
  });

  it.each([
    ["ctr", "containers delete"],
    ["iptables-restore", ""],
    ["systemctl", "restart containerd"],
  ])("blocks every run after a kill at %s %s, until a reset completes", async (name, part) => {
    const machine = await readyWorker();
    const before = await filesOf(machine);
    await run(machine);
    const point = { at: "program", name, part, stage: "before" } as const;
    expect(await killAt(machine, point, "reset")).toMatchObject({ killed: true });
    expect(await machine.run()).toMatchObject({
      exitCode: 3,
      error:
        "Cannot run: a reset was interrupted here; " +
        "run sprout-bootstrap reset to give this machine back as it was imaged",
    });
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await filesOf(machine)).toEqual([...before, "sys/class/net/cni0/address"].toSorted());
    expect(await read(machine, "etc/hosts")).toBe("127.0.0.1 localhost\n");
  });

  it("stops the bring-up's unit before anything else", async () => {
    const machine = await readyWorker();
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect((await read(machine, "systemctl.log")).split("\n")[0]).toBe("stop sprout-bootstrap.service");
  });

  it("waits a few seconds for a bring-up that was started by hand", async () => {
    const machine = await readyWorker();
    setReady(machine, false);
    const first = machine.run();
    await expect.poll(() => machine.server.reports.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(await machine.run("reset")).toMatchObject({
      exitCode: 3,
      error: expect.stringMatching(/^Cannot reset: another sprout-bootstrap \(process \d+\) is running/) as string,
    });
    const second = machine.run("reset");
    setReady(machine, true);
    expect(await first).toMatchObject({ exitCode: 0 });
    expect(await second).toMatchObject({ exitCode: 0, error: "" });
    expect(await files(machine.root, "run/fake-units")).toEqual(["containerd.service"]);
  });

  it("continues despite a damaged record", async () => {
    const machine = await readyWorker();
    await run(machine);
    await write(machine, "var/lib/sprout/node/allocation.json", "{");
    expect(await machine.run()).toMatchObject({ exitCode: 3 });
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await files(machine.root, "var/lib/kubelet")).toEqual([]);
  });
});

describe("podMounts", () => {
  it("finds the mounts of pods, deepest first, and no folder that is the machine's own mount", () => {
    const mounts = [
      "/",
      "/var/lib/kubelet",
      "/var/lib/kubelet/pods/a/volumes/x",
      "/var/lib/kubelet/pods/a/volumes/x/with\\040space/y",
      "/run/netns",
      "/run/netns/cni-1",
      "/run/containerd/io.containerd.runtime.v2.task/k8s.io/a/rootfs",
      "/home/var/lib/kubelet/pods",
    ];
    const mountinfo = mounts.map((mount, index) => `${index} 1 0:1 / ${mount} rw - tmpfs tmpfs rw`).join("\n");
    expect(podMounts(mountinfo)).toEqual([
      "/var/lib/kubelet/pods/a/volumes/x/with space/y",
      "/var/lib/kubelet/pods/a/volumes/x",
      "/run/containerd/io.containerd.runtime.v2.task/k8s.io/a/rootfs",
      "/run/netns/cni-1",
    ]);
  });
});

describe("withoutNodeRules", () => {
  const saved = [
    "*filter",
    ":INPUT ACCEPT [10:20]",
    ":KUBE-FORWARD - [0:0]",
    "-A FORWARD -s 10.244.3.0/24 -d 10.77.0.1/32 -p tcp -m tcp --dport 8443 -j DROP",
    "-A FORWARD -m comment --comment kubernetes -j KUBE-FORWARD",
    "-A FORWARD -s 192.168.0.0/24 -j ACCEPT",
    "-A KUBE-FORWARD -j ACCEPT",
    "COMMIT",
    "*nat",
    ":CNI-0a1b - [0:0]",
    "-A POSTROUTING -s 10.244.3.0/24 ! -d 10.244.0.0/16 -j MASQUERADE",
    "-A PREROUTING -m comment --comment kube -j KUBE-SERVICES",
    "-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.77.0.11:6443",
    "-A PREROUTING -d 10.96.0.2/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.77.0.11:6443",
    "-A OUTPUT -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.77.0.11:6443",
    "-A CNI-0a1b -j ACCEPT",
    "COMMIT",
  ];

  it("keeps rules that neither Kubernetes nor Sprout wrote", () => {
    const kept = [
      "*filter",
      ":INPUT ACCEPT [10:20]",
      "-A FORWARD -s 192.168.0.0/24 -j ACCEPT",
      "COMMIT",
      "*nat",
      "-A PREROUTING -d 10.96.0.2/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.77.0.11:6443",
      "COMMIT",
    ];
    expect(withoutNodeRules(saved.join("\n"), workerMetadata).split("\n")).toEqual(kept);
  });

  it("keeps the bootstrapper's own rules if the pods' addresses are unknown", () => {
    const kept = withoutNodeRules(saved.join("\n"), undefined);
    expect(kept).toContain("MASQUERADE");
    expect(kept).toContain("DNAT");
  });
});
