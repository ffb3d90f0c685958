import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  imageManifest,
  kubeadmWorkerCredentials,
  kubeadmWorkerMetadata,
  pem,
  poolMetadata,
} from "../../test/fixtures/node-documents.ts";
import type { PodResolver } from "../machine/name-server.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { createRender } from "../../templates/create-render.ts";
import { renderNodeFiles } from "./node-files.ts";

const machineResolver: PodResolver = { path: "/etc/resolv.conf" };

async function render({ hasCgroupV1 = false, podResolver = machineResolver, metadata = kubeadmWorkerMetadata } = {}) {
  const { files, links } = await renderNodeFiles({
    metadata,
    credentials: kubeadmWorkerCredentials,
    render: createRender(templatesFolder),
    image: imageManifest,
    inContainer: false,
    networkCard: "eth0",
    podResolver,
    hasCgroupV1,
    now: new Date("2026-01-31T12:00:00Z"),
  });
  const yaml = (path: string): unknown => parse(files.find((file) => file.path === path)?.content ?? "");
  return { files, links, yaml };
}

const toBase64 = (text: string) => Buffer.from(text).toString("base64");

describe("renderNodeFiles for kubeadm's join", () => {
  it("leaves out files that kubeadm writes, and files that its preflight refuses", async () => {
    const { files, links } = await render();
    expect(files.map(({ path, mode, secret = false }) => `${mode.toString(8)} ${path} ${secret}`)).toEqual([
      "600 /etc/kubernetes/discovery.conf true",
      "644 /var/lib/kubelet/pki/kubelet.crt false",
      "600 /var/lib/kubelet/pki/kubelet.key true",
      "600 /etc/kubernetes/kubeadm-join.yaml false",
      "644 /etc/hosts false",
      "644 /etc/hostname false",
      "644 /etc/cni/net.d/10-sprout.conflist false",
      "600 /etc/sprout/network-agent.json true",
    ]);
    expect(links).toEqual([]);
  });

  it("pins the cluster's authority and brings the bootstrap certificate", async () => {
    const { yaml } = await render();
    expect(yaml("/etc/kubernetes/discovery.conf")).toMatchObject({
      clusters: [
        {
          cluster: {
            server: "https://api.build126.test:6443",
            "certificate-authority-data": toBase64(pem("CERTIFICATE", "ca")),
          },
        },
      ],
      users: [
        {
          name: "system:bootstrap:a-bbbbbbbbbbbbbbbb",
          user: {
            "client-certificate-data": toBase64(pem("CERTIFICATE", "bootstrap")),
            "client-key-data": toBase64(pem("EC PRIVATE KEY", "bootstrap")),
          },
        },
      ],
    });
  });

  const nodeRegistration = {
    name: "node03.build126.test",
    criSocket: "unix:///run/containerd/containerd.sock",
    taints: [],
    kubeletExtraArgs: [
      { name: "hostname-override", value: "node03.build126.test" },
      { name: "node-ip", value: "10.77.0.14" },
    ],
  };
  const configuration = {
    apiVersion: "kubeadm.k8s.io/v1beta4",
    kind: "JoinConfiguration",
    caCertPath: "/etc/kubernetes/pki/ca.crt",
    discovery: { file: { kubeConfigPath: "/etc/kubernetes/discovery.conf" } },
    nodeRegistration,
    timeouts: { discovery: "180s", tlsBootstrap: "180s" },
  };

  it("writes a JoinConfiguration that ignores no check and keeps its timeouts within the deadline", async () => {
    expect((await render()).yaml("/etc/kubernetes/kubeadm-join.yaml")).toEqual(configuration);
  });

  it("allows kubeadm and kubelet cgroup v1 on a machine that has it, against the cluster's configuration", async () => {
    const { yaml } = await render({ hasCgroupV1: true });
    expect(yaml("/etc/kubernetes/kubeadm-join.yaml")).toEqual({
      ...configuration,
      nodeRegistration: { ...nodeRegistration, ignorePreflightErrors: ["SystemVerification"] },
      patches: { directory: "/etc/kubernetes/patches" },
    });
    expect(yaml("/etc/kubernetes/patches/kubeletconfiguration.yaml")).toEqual({ failCgroupV1: false });
  });

  it("gives kubelet this node's own file of name servers, against the cluster's configuration", async () => {
    const path = "/var/lib/kubelet/resolv.conf";
    const { yaml, files } = await render({ podResolver: { path, text: "nameserver 10.0.0.2\n" } });
    expect(yaml("/etc/kubernetes/kubeadm-join.yaml")).toEqual({
      ...configuration,
      patches: { directory: "/etc/kubernetes/patches" },
    });
    expect(yaml("/etc/kubernetes/patches/kubeletconfiguration.yaml")).toEqual({ resolvConf: path });
    expect(files.find((file) => file.path === path)).toEqual({ path, content: "nameserver 10.0.0.2\n", mode: 0o644 });
  });

  it("labels the Node with its node pool", async () => {
    const { yaml } = await render({ metadata: { ...poolMetadata, join: "kubeadm" } });
    const { kubeletExtraArgs } = nodeRegistration;
    const label = { name: "node-labels", value: "sprout.internal/node-pool=gpu" };
    expect(yaml("/etc/kubernetes/kubeadm-join.yaml")).toMatchObject({
      nodeRegistration: { kubeletExtraArgs: [...kubeletExtraArgs, label] },
    });
  });
});
