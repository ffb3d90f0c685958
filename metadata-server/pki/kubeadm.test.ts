import { X509Certificate } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { cachedKubeadm as kubeadm } from "../../test/fixtures/cached-kubeadm.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import type { ControlPlaneCredentials } from "#api/credentials.ts";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { exists } from "#lib/files.ts";
import { alternativeNamesOf, controlPlane, createTestAuthorities } from "../../test/fixtures/authorities.ts";
import { mintCredentials } from "./mint.ts";

const absent = !(await exists(kubeadm));

const config = (certificatesDir: string) => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${controlPlane.address}}
nodeRegistration: {name: ${controlPlane.name}, criSocket: unix:///run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: ${defaultKubernetesVersion}
certificatesDir: ${certificatesDir}
controlPlaneEndpoint: ${controlPlane.endpointHost}:6443
networking: {serviceSubnet: ${controlPlane.serviceSubnet}}
encryptionAlgorithm: ECDSA-P256
`;

/** Runs the real kubeadm on `files`. Returns its output and the files afterwards. */
async function runKubeadm(files: Record<string, string>) {
  const directory = await temporaryFolder("pki");
  const pki = join(directory, "pki");
  await mkdir(pki);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(pki, name)), { recursive: true });
    await writeFile(join(pki, name), text, { mode: 0o600 });
  }
  await writeFile(join(directory, "kubeadm.yaml"), config(pki));
  const { stdout } = await execa(kubeadm, [
    "init",
    "phase",
    "certs",
    "all",
    "--config",
    join(directory, "kubeadm.yaml"),
  ]);
  const entries = await readdir(pki, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const after = await Promise.all(
    names.map(async (name) => [name.slice(pki.length + 1), await readFile(name, "utf8")] as const),
  );
  return { lines: stdout.split("\n"), files: Object.fromEntries(after) };
}

const { pki } = mintCredentials(createTestAuthorities(), controlPlane) as ControlPlaneCredentials;

it("kubeadm uses every minted certificate and key as existing and changes no file", async ({ skip }) => {
  skip(absent, `there is no kubeadm at ${kubeadm}; set SPROUT_KUBEADM`);
  const { lines, files } = await runKubeadm(pki);
  expect(lines.slice(1).toSorted()).toEqual(
    [
      ...["ca", "front-proxy-ca", "etcd/ca"].map((name) => `[certs] Using existing ${name} certificate authority`),
      ...[
        "apiserver",
        "apiserver-kubelet-client",
        "front-proxy-client",
        "etcd/server",
        "etcd/peer",
        "etcd/healthcheck-client",
        "apiserver-etcd-client",
      ].map((name) => `[certs] Using existing ${name} certificate and key on disk`),
      '[certs] Using the existing "sa" key',
    ].toSorted(),
  );
  expect(files).toEqual(pki);
});

it("minted certificates have the subjects, usages and names of kubeadm's own certificates", async ({ skip }) => {
  skip(absent, `there is no kubeadm at ${kubeadm}; set SPROUT_KUBEADM`);
  const { files } = await runKubeadm({});
  expect(Object.keys(files).toSorted()).toEqual(Object.keys(pki).toSorted());
  for (const [name, text] of Object.entries(files).filter(([file]) => file.endsWith(".crt"))) {
    const theirs = new X509Certificate(text);
    const ours = new X509Certificate(pki[name as keyof typeof pki]);
    expect([name, ours.subject, ours.issuer, ours.keyUsage, ours.ca]).toEqual([
      name,
      theirs.subject,
      theirs.issuer,
      theirs.keyUsage,
      theirs.ca,
    ]);
    // kubeadm repeats an authority's common name as an alternative name, which no program reads.
    if (theirs.ca) continue;
    const loopback = name === "apiserver.crt" ? ["DNS:localhost", "IP Address:127.0.0.1"] : [];
    expect([name, alternativeNamesOf(ours.toString()).toSorted()]).toEqual([
      name,
      [...alternativeNamesOf(text), ...loopback].toSorted(),
    ]);
  }
});
