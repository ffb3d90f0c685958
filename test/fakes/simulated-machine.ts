import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { type FakeKubernetesApi, startFakeKubernetesApi } from "./fake-kubernetes-api.ts";
import { type FakeMetadataServer, startFakeMetadataServer } from "./fake-metadata-server.ts";
import { createClusterCredentials, createServerTls } from "./test-certificates.ts";

const capability = "c".repeat(43);
const reportToken = "r".repeat(43);
const projectDir = join(import.meta.dirname, "../..");
const main = join(projectDir, "bootstrapper/main.ts");
const templatesFolder = join(projectDir, "templates");
const images = ["k8s.gcr.io/pause:3.2", "k8s.gcr.io/kube-proxy:v1.20.2"];

/** Stands in for a real program: says what it was asked, and does the least that the next step looks at. */
const fakePrograms = {
  ctr: `case "$*" in *plugins*) echo "io.containerd.grpc.v1 cri linux/amd64 ok";; *) printf '%s\\n' ${images.join(" ")};; esac`,
  kubeadm: `echo "$@" >> "$ROOT/kubeadm.log"
mkdir -p "$ROOT/etc/kubernetes/manifests"
touch "$ROOT/etc/kubernetes/manifests/kube-controller-manager.yaml" "$ROOT/etc/kubernetes/manifests/kube-scheduler.yaml"`,
  systemctl: `echo "$@" >> "$ROOT/systemctl.log"`,
  iptables: `case "$*" in *-C*) exit 1;; *) echo "$@" >> "$ROOT/iptables.log";; esac`,
};

export interface SimulatedMachine {
  root: string;
  server: FakeMetadataServer;
  kubernetes: FakeKubernetesApi;
  /** Runs the real main.ts on the simulated machine. */
  run: (...args: string[]) => Promise<{ exitCode: number; stdout: string; error: string }>;
}

/** One cluster's worth of real certificates for all simulated machines of a test file. */
export const mint = createClusterCredentials();

/** A simulated machine: the real bootstrapper on a root folder of its own with fake programs, server and API server. */
export async function simulateMachine(base: NodeMetadata, deadlineSeconds = 20): Promise<SimulatedMachine> {
  const root = await mkdtemp(join(tmpdir(), "sprout-simulated-"));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const [name, body] of Object.entries(fakePrograms)) {
    await write(`bin/${name}`, `#!/bin/sh\nROOT=${root}\n${body}\n`);
    await chmod(join(root, "bin", name), 0o755);
  }
  const tls = await createServerTls(join(root, "tls"));
  const address = "127.0.0.1";
  const first = { name: base.controlPlanes[0]?.name ?? "", address };
  const apiCredentials = mint("control-plane", { allocation: base.allocation, name: first.name });
  if (apiCredentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  const { "apiserver.crt": certificate, "apiserver.key": key } = apiCredentials.pki;
  const kubernetes = await startFakeKubernetesApi({ certificate, key });
  const metadata: NodeMetadata = {
    ...base,
    deadlineSeconds,
    endpoint: `localhost:${kubernetes.port}`,
    controlPlanes: [first],
    self: { ...base.self, address },
  };
  const credentials =
    base.self.role === "worker"
      ? mint("worker", { allocation: base.allocation, name: base.self.name })
      : apiCredentials;
  const server = await startFakeMetadataServer({
    tls,
    capability,
    reportToken,
    metadata,
    credentials,
    peers: { peers: (base.peers ?? []).map((name) => ({ name, lastPhase: "render", lastReportAgoMs: 12_000 })) },
  });
  onTestFinished(async () => {
    await Promise.all([server.close(), kubernetes.close()]);
    await rm(root, { recursive: true });
  });
  await write("etc/sprout/seed.json", JSON.stringify({ server: server.url, ca: tls.ca, capability }));
  await write("sys/class/net/eth0/address", "52:54:00:12:34:56\n");
  await write("run/systemd/container", "systemd-nspawn\n");
  await write("proc/swaps", "Filename\tType\n");
  await write("proc/sys/net/ipv4/ip_forward", "1\n");
  const manifest = { kubernetesVersion: "v1.20.2", containerImages: images.map((ref) => ({ ref })) };
  await write("usr/share/sprout/manifest.json", JSON.stringify(manifest));
  for (const folder of await readdir(templatesFolder)) if (!folder.includes(".")) await copyTemplates(folder, { root });
  return { root, server, kubernetes, run: (...args) => runMain(root, args) };
}

async function copyTemplates(folder: string, { root }: { root: string }) {
  const target = join(root, "usr/share/sprout/templates", folder);
  await mkdir(target, { recursive: true });
  for (const file of await readdir(join(templatesFolder, folder)))
    await writeFile(join(target, file), await readFile(join(templatesFolder, folder, file)));
}

export async function runMain(root: string, args: string[]) {
  const env = { PATH: `${join(root, "bin")}:/usr/bin:/bin` };
  const result = await execa(process.execPath, [main, "--root", root, ...args], {
    env,
    extendEnv: false,
    reject: false,
  });
  const error =
    result.stderr === "" ? "" : (JSON.parse(result.stderr.split("\n").at(-1) ?? "") as { message: string }).message;
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, error };
}
