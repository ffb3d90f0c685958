import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import {
  firstCredentials,
  firstMetadata,
  imageManifest,
  furtherMetadata,
  pem,
  workerCredentials,
  workerMetadata,
} from "../../test/fixtures/node-documents.ts";
import { renderNode } from "../../test/fixtures/rendered-node.ts";

const documents = (text: string) =>
  parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);

describe("renderNodeFiles", () => {
  it("gives a worker exactly its files, and secrets mode 0600", async () => {
    const { files, links } = await renderNode(workerMetadata, workerCredentials);
    expect(files.map(({ path, mode }) => `${mode.toString(8)} ${path}`)).toEqual([
      "644 /etc/kubernetes/pki/ca.crt",
      "600 /etc/kubernetes/kubelet.conf",
      "644 /var/lib/kubelet/config.yaml",
      "644 /var/lib/kubelet/kubeadm-flags.env",
      "600 /var/lib/kubelet/pki/kubelet-client-2026-01-31-12-00-00.pem",
      "644 /etc/default/kubelet",
      "644 /etc/resolv.conf",
      "644 /var/lib/kubelet/pki/kubelet.crt",
      "600 /var/lib/kubelet/pki/kubelet.key",
      "644 /etc/hosts",
      "644 /etc/hostname",
      "644 /etc/cni/net.d/10-sprout.conflist",
      "600 /etc/sprout/network-agent.json",
    ]);
    expect(links).toEqual([
      {
        path: "/var/lib/kubelet/pki/kubelet-client-current.pem",
        target: "/var/lib/kubelet/pki/kubelet-client-2026-01-31-12-00-00.pem",
      },
    ]);
  });

  it("marks every file that holds a private key as secret and 0600", async () => {
    const { files } = await renderNode(firstMetadata, firstCredentials);
    const holding = files.filter(
      ({ content }) => content.includes("PRIVATE KEY") || content.includes("client-key-data"),
    );
    expect(holding).toHaveLength(11 + 4 + 3);
    expect(holding.filter(({ secret, mode }) => !secret || mode !== 0o600)).toEqual([]);
  });

  it("writes a worker's kubelet configuration, flags and kubeconfig", async () => {
    const { text } = await renderNode(workerMetadata, workerCredentials);
    const config = parse(text("/var/lib/kubelet/config.yaml")) as Record<string, unknown>;
    expect(config).toMatchObject({
      cgroupDriver: "systemd",
      resolvConf: "/etc/resolv.conf",
      rotateCertificates: true,
      nodeStatusReportFrequency: "5m",
      containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    });
    expect(config).not.toHaveProperty("staticPodPath");
    expect(text("/var/lib/kubelet/kubeadm-flags.env")).toBe(
      'KUBELET_KUBEADM_ARGS="--hostname-override=node03.build126.test --node-ip=10.77.0.14"\n',
    );
    const user = "system:node:node03.build126.test";
    const pemFile = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    expect(parse(text("/etc/kubernetes/kubelet.conf"))).toMatchObject({
      clusters: [
        {
          cluster: {
            server: "https://api.build126.test:6443",
            "certificate-authority-data": Buffer.from(pem("CERTIFICATE", "ca")).toString("base64"),
          },
        },
      ],
      users: [{ name: user, user: { "client-certificate": pemFile, "client-key": pemFile } }],
      "current-context": `${user}@build126`,
    });
  });

  it("writes CNI from the node's own pod CIDR", async () => {
    const { text } = await renderNode(workerMetadata, workerCredentials);
    expect(JSON.parse(text("/etc/cni/net.d/10-sprout.conflist"))).toMatchObject({
      plugins: [
        { type: "bridge", bridge: "cni0", ipMasq: false, ipam: { ranges: [[{ subnet: "10.244.3.0/24" }]] } },
        { type: "portmap" },
      ],
    });
  });

  it("writes kubeadm's configuration", async () => {
    const { text } = await renderNode(firstMetadata, firstCredentials);
    const [init, cluster, kubelet, proxy] = documents(text("/etc/kubernetes/kubeadm.yaml"));
    expect(init).toEqual({
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "InitConfiguration",
      bootstrapTokens: [{ ttl: "1s" }],
      localAPIEndpoint: { advertiseAddress: "10.77.0.11", bindPort: 6443 },
      nodeRegistration: { name: "cp01.build126.test", criSocket: "unix:///run/containerd/containerd.sock" },
      patches: { directory: "/etc/kubernetes/patches" },
      timeouts: { controlPlaneComponentHealthCheck: "240s" },
    });
    const patient = await renderNode({ ...firstMetadata, deadlineSeconds: 900 }, firstCredentials);
    expect(patient.text("/etc/kubernetes/kubeadm-static-pods.yaml")).toContain('HealthCheck: "900s"');
    expect(cluster).toEqual({
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "ClusterConfiguration",
      kubernetesVersion: defaultKubernetesVersion,
      clusterName: "build126",
      encryptionAlgorithm: "ECDSA-P256",
      controlPlaneEndpoint: "api.build126.test:6443",
      networking: { podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" },
      controllerManager: {
        extraArgs: [
          { name: "allocate-node-cidrs", value: "false" },
          { name: "kube-api-qps", value: "500" },
          { name: "kube-api-burst", value: "1000" },
        ],
      },
    });
    expect(kubelet).toEqual(
      parse((await renderNode(workerMetadata, workerCredentials)).text("/var/lib/kubelet/config.yaml")),
    );
    expect(proxy).toMatchObject({ mode: "iptables", clusterCIDR: "10.244.0.0/16", conntrack: { maxPerCore: 0 } });
  });

  it("lets a single etcd member elect itself at once, but not by kubeadm-config", async () => {
    const { text } = await renderNode(firstMetadata, firstCredentials);
    expect(documents(text("/etc/kubernetes/kubeadm.yaml"))[1]).not.toHaveProperty("etcd");
    expect(documents(text("/etc/kubernetes/kubeadm-static-pods.yaml"))[1]).toMatchObject({
      etcd: {
        local: {
          extraArgs: expect.arrayContaining([
            { name: "heartbeat-interval", value: "20" },
            { name: "election-timeout", value: "100" },
          ]) as unknown,
        },
      },
    });
  });

  it("leaves conntrack alone outside a container", async () => {
    const alone = { ...firstMetadata, peers: [firstMetadata.self.name] };
    const { text } = await renderNode(alone, firstCredentials, { inContainer: false });
    const [, , , proxy] = documents(text("/etc/kubernetes/kubeadm.yaml"));
    expect(proxy).not.toHaveProperty("conntrack");
  });

  it("keeps etcd's initial cluster in a separate file", async () => {
    const { text } = await renderNode(furtherMetadata, firstCredentials);
    expect(text("/etc/kubernetes/kubeadm.yaml")).not.toContain("initial-cluster");
    const [, cluster] = documents(text("/etc/kubernetes/kubeadm-static-pods.yaml"));
    expect(cluster).toEqual({
      ...documents(text("/etc/kubernetes/kubeadm.yaml"))[1],
      etcd: {
        local: {
          extraArgs: [
            {
              name: "initial-cluster",
              value:
                "cp01.build126.test=https://10.77.0.11:2380,cp02.build126.test=https://10.77.0.12:2380,cp03.build126.test=https://10.77.0.13:2380",
            },
            { name: "initial-cluster-state", value: "new" },
          ],
        },
      },
    });
  });

  it("allows cgroup v1 only to the kubelet of a machine that has it, not in the cluster's configuration", async () => {
    const { text } = await renderNode(firstMetadata, firstCredentials, { hasCgroupV1: true });
    expect(parse(text("/var/lib/kubelet/config.yaml"))).toHaveProperty("failCgroupV1", false);
    expect(documents(text("/etc/kubernetes/kubeadm.yaml"))[2]).not.toHaveProperty("failCgroupV1");
    const unified = await renderNode(firstMetadata, firstCredentials);
    expect(parse(unified.text("/var/lib/kubelet/config.yaml"))).not.toHaveProperty("failCgroupV1");
  });

  it("names the images by the repository that they were pulled from", async () => {
    const image = { ...imageManifest, imageRepository: "mirror.test:5000/k8s" };
    const { text } = await renderNode(firstMetadata, firstCredentials, { image });
    for (const file of ["kubeadm.yaml", "kubeadm-static-pods.yaml"])
      expect(documents(text(`/etc/kubernetes/${file}`))[1]).toHaveProperty("imageRepository", "mirror.test:5000/k8s");
    const byDefault = await renderNode(firstMetadata, firstCredentials);
    expect(byDefault.text("/etc/kubernetes/kubeadm.yaml")).not.toContain("imageRepository");
  });

  it("has CoreDNS probed every second on a control plane", async () => {
    const { text } = await renderNode(firstMetadata, firstCredentials);
    expect(parse(text("/etc/kubernetes/patches/corednsdeployment.yaml"))).toEqual({
      spec: { template: { spec: { containers: [{ name: "coredns", readinessProbe: { periodSeconds: 1 } }] } } },
    });
  });

  it("gives the kubelet the cluster's DNS, and CoreDNS a name server if the machine has none", async () => {
    const { text } = await renderNode(workerMetadata, workerCredentials);
    expect(parse(text("/var/lib/kubelet/config.yaml"))).toMatchObject({ clusterDNS: ["10.96.0.10"] });
    expect(text("/etc/resolv.conf")).toBe("nameserver 10.77.0.14\n");
    const named = await renderNode(workerMetadata, workerCredentials, { podResolver: { path: "/etc/resolv.conf" } });
    expect(named.text("/etc/resolv.conf")).toBe("");
  });

  it("refuses credentials that lack certificates, and names each", async () => {
    if (firstCredentials.role !== "control-plane") throw new Error("fixture");
    const { "sa.key": _key, "etcd/ca.crt": _ca, ...rest } = firstCredentials.pki;
    const lacking = { ...firstCredentials, pki: rest as typeof firstCredentials.pki };
    await expect(renderNode(firstMetadata, lacking)).rejects.toThrow("the credentials lack etcd/ca.crt, sa.key");
  });
});
