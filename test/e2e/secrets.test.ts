import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { workloadName } from "../../cli/demo/workload-manifests.ts";
import { readNspawnRecord } from "../../metadata-server/providers/nspawn/machine-folder.ts";
import { findSecrets, keysIn, type PlantedSecret } from "../fixtures/planted-secrets.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine, machineLeader } from "../lab/machine-exec.ts";
import { nodeRequest } from "../lab/node-request.ts";
import { podReaches } from "../lab/pod-reaches.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`secrets of real machines${reason ? ` (skipped: ${reason})` : ""}`, () => {
  const secrets: PlantedSecret[] = [];
  let lab: Lab;
  let cluster: Cluster;
  let kubectl: Kubectl;
  let folder: string;
  /** The server's address for machines, and another address of its host. */
  let server: { address: string; port: string; plainPort: number; otherAddress: string };

  beforeAll(async () => {
    const prepared = await prepareImage();
    folder = await mkdtemp(join(tmpdir(), "sprout-e2e-"));
    const plainPort = await findFreePort();
    lab = await startLab(undefined, { settings: { httpListen: `0.0.0.0:${plainPort}` } });
    const created = await lab.client.create({ name: "secrets", nodes: 2, provider: "nspawn" });
    cluster = await lab.client.wait(created.id, { condition: "available", timeoutMs: 200_000 });
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await lab.client.kubeconfig(cluster.id), { mode: 0o600 });
    kubectl = createKubectl({ program: prepared.kubectl, kubeconfig, signal: AbortSignal.timeout(280_000) });
    for (const index of [0, 1]) await readSecrets(index);
    const { hostname, port } = new URL((await seedOf(0)).server);
    server = { address: hostname, port, plainPort, otherAddress: cluster.members[0]!.address!.replace(/\d+$/, "1") };
  });

  afterAll(async () => {
    await lab.close();
    await rm(folder, { recursive: true });
  });

  const machineOf = (index: number) => join(lab.machinesDir, cluster.members[index]!.allocation);
  const seedOf = async (index: number) =>
    JSON.parse(await readFile(join(machineOf(index), "seed.json"), "utf8")) as { capability: string; server: string };
  const exec = async (index: number, argv: string[]) =>
    (await execInMachine({ machinesDir: lab.machinesDir, allocation: cluster.members[index]!.allocation }, argv))
      .stdout;

  /** Runs a program of the host in the machine's network namespace. */
  async function inNetworkOf(index: number, argv: string[]) {
    const record = await readNspawnRecord(machineOf(index));
    const leader = String(await machineLeader(record!.cgroups));
    return execa("nsenter", ["-t", leader, "-n", "--", "timeout", "5", ...argv], {
      all: true,
      reject: false,
      input: "",
    });
  }

  async function readSecrets(index: number) {
    const places = "/etc/kubernetes /var/lib/kubelet/pki /var/lib/sprout /etc/sprout";
    const find = `grep -rlE 'PRIVATE KEY|client-key-data' ${places}`;
    for (const file of (await exec(index, ["sh", "-c", find])).split("\n"))
      secrets.push(...keysIn(`${file} of ${index}`, `${await exec(index, ["cat", file])}\n`));
    secrets.push({ name: `capability of ${index}`, value: (await seedOf(index)).capability });
    const reportToken = await exec(index, ["cat", "/var/lib/sprout/node/report-token"]);
    secrets.push({ name: `report token of ${index}`, value: reportToken });
  }

  it("appear on no console and in no log, answer, event or file of the server", async () => {
    expect(secrets.length).toBeGreaterThan(20);
    expect(secrets.filter(({ value }) => value.length < 43)).toEqual([]);
    const dataDir = dirname(lab.machinesDir);
    const ca = await readFile(lab.server.caFile, "utf8");
    const get = async (path: string) =>
      (await nodeRequest(`${lab.server.url}${path}`, { ca, token: lab.server.token })).body;
    const files = (await readdir(dataDir, { withFileTypes: true })).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toContain("sprout.db");
    const places = [
      ...(await Promise.all([0, 1].map((index) => readFile(join(machineOf(index), "console.log"))))),
      ...(await Promise.all(files.map(({ name }) => readFile(join(dataDir, name))))),
      ...(await Promise.all(["/v1/clusters", `/v1/clusters/${cluster.id}`, "/v1/audit", "/metrics"].map(get))),
      JSON.stringify(await Array.fromAsync(lab.client.events(cluster.id, { follow: false }))),
      lab.log(),
    ];
    expect(places.flatMap((place) => findSecrets(secrets, place))).toEqual([]);
  });

  it("appear in no machine's journal, and in no process's arguments or environment", async () => {
    for (const index of [0, 1]) {
      const journal = await exec(index, ["journalctl", "--no-pager", "--output=export"]);
      expect(journal).toContain("sprout-bootstrap");
      const processes = await exec(index, [
        "sh",
        "-c",
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'",
      ]);
      expect(processes).toContain("kubelet");
      expect(findSecrets(secrets, journal + processes)).toEqual([]);
    }
  });

  it("stay out of a pod's reach: it cannot connect to the server directly, by the host's other address, or through a Service", async () => {
    await runWorkload({ kubectl, nodes: 2, timeoutMs: 120_000, signal: AbortSignal.timeout(200_000), now: Date.now });
    const back = { name: "back", ports: [{ port: 443, targetPort: Number(server.port) }] };
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: back.name }, spec: { ports: back.ports } };
    const subsets = [{ addresses: [{ ip: server.address }], ports: [{ port: Number(server.port) }] }];
    const endpoints = { apiVersion: "v1", kind: "Endpoints", metadata: { name: back.name }, subsets };
    const manifest = join(folder, "service.json");
    await writeFile(manifest, JSON.stringify({ apiVersion: "v1", kind: "List", items: [service, endpoints] }));
    await kubectl(["apply", "-f", manifest]);
    const clusterIp = await kubectl(["get", "service", back.name, "-o", "jsonpath={.spec.clusterIP}"]);
    const names = (
      await kubectl(["get", "pods", "-l", `app=${workloadName}`, "-o", "jsonpath={.items[*].metadata.name}"])
    ).split(" ");
    const podIps = await kubectl([
      "get",
      "pods",
      "-l",
      `app=${workloadName}`,
      "-o",
      "jsonpath={.items[*].status.podIP}",
    ]);
    expect(names).toHaveLength(2);
    for (const pod of names) {
      // Pods do reach what they may: so the check can detect a connection.
      expect(await podReaches(kubectl, { pod, address: podIps.split(" ")[0]!, port: 8080 })).toBe(true);
      for (const port of [server.port, server.plainPort])
        expect(await podReaches(kubectl, { pod, address: server.address, port })).toBe(false);
      expect(await podReaches(kubectl, { pod, address: clusterIp, port: 443 })).toBe(false);
    }
    // A pod's packets to another address of the host leave its node with the node's address, as these do.
    const handshake = async (address: string) =>
      (await inNetworkOf(1, ["openssl", "s_client", "-brief", "-connect", `${address}:${server.port}`])).all;
    expect(await handshake(server.address)).toContain("CONNECTION ESTABLISHED");
    const plain = ["bash", "-c", `exec 3<>/dev/tcp/${server.address}/${server.plainPort} && echo reached`];
    expect((await inNetworkOf(1, plain)).all).toBe("reached");
    expect(await handshake(server.otherAddress)).not.toContain("CONNECTION ESTABLISHED");
  });
});
