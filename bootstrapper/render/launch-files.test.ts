import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { NodeMetadata } from "#api/node-metadata.ts";
import {
  firstMetadata,
  imageManifest,
  kubeadmWorkerMetadata,
  launchFirstCredentials,
  launchWorkerCredentials,
} from "../../test/fixtures/node-documents.ts";
import { templatesFolder } from "../../templates/folder.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import { createRender } from "../../templates/create-render.ts";
import { renderNodeFiles } from "./node-files.ts";

const hostsBefore = "127.0.0.1 localhost\n10.77.0.14 node03.build126.test\n";

async function render(metadata: NodeMetadata, credentials: NodeCredentials) {
  const machine = {
    image: imageManifest,
    inContainer: true,
    networkCard: "eth0",
    podResolver: { path: "/etc/resolv.conf" },
    hasCgroupV1: false,
    hostsBefore,
    now: new Date(0),
  };
  const { files } = await renderNodeFiles({
    ...machine,
    metadata,
    credentials,
    render: createRender(templatesFolder),
  });
  return {
    paths: files.map(({ path }) => path),
    text: (path: string) => files.find((file) => file.path === path)?.content ?? "",
  };
}

describe("renderNodeFiles without a server", () => {
  it("gives a control plane the authorities, and leaves certificates and kubeconfigs to kubeadm", async () => {
    const { paths } = await render(firstMetadata, launchFirstCredentials);
    expect(paths).toEqual([
      ...["ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key"].map((name) => `/etc/kubernetes/pki/${name}`),
      ...["etcd/ca.crt", "etcd/ca.key", "sa.key", "sa.pub"].map((name) => `/etc/kubernetes/pki/${name}`),
      "/var/lib/kubelet/config.yaml",
      "/var/lib/kubelet/kubeadm-flags.env",
      "/etc/default/kubelet",
      "/etc/kubernetes/kubeadm.yaml",
      "/etc/kubernetes/kubeadm-static-pods.yaml",
      "/etc/kubernetes/patches/corednsdeployment.yaml",
      "/etc/hosts",
      "/etc/hostname",
      "/etc/cni/net.d/10-sprout.conflist",
      "/etc/sprout/network-agent.json",
    ]);
  });

  it("has kubeadm make the token, valid during the bring-up, and P-256 keys", async () => {
    const { text } = await render(firstMetadata, launchFirstCredentials);
    const [init, cluster] = parseAllDocuments(text("/etc/kubernetes/kubeadm-static-pods.yaml")).map(
      (document) => document.toJS() as Record<string, unknown>,
    );
    expect(init).toMatchObject({ bootstrapTokens: [{ token: "abcdef.0123456789abcdef", ttl: "180s" }] });
    expect(cluster).toMatchObject({
      encryptionAlgorithm: "ECDSA-P256",
      etcd: { local: { serverCertSANs: ["etcd.build126.test"] } },
    });
    expect(text("/etc/kubernetes/kubeadm.yaml")).not.toContain("etcd.build126.test");
  });

  it("gives a worker a token and the pinned authority, and no key", async () => {
    const { paths, text } = await render(kubeadmWorkerMetadata, launchWorkerCredentials);
    expect(paths).toEqual([
      "/etc/kubernetes/discovery.conf",
      "/etc/default/kubelet",
      "/etc/kubernetes/kubeadm-join.yaml",
      "/etc/hosts",
      "/etc/hostname",
      "/etc/cni/net.d/10-sprout.conflist",
      "/etc/sprout/network-agent.json",
    ]);
    expect(parse(text("/etc/kubernetes/discovery.conf"))).toMatchObject({
      clusters: [
        {
          cluster: {
            server: "https://api.build126.test:6443",
            "certificate-authority-data": Buffer.from(launchWorkerCredentials.pki["ca.crt"] ?? "").toString("base64"),
          },
        },
      ],
      users: [{ user: { token: "abcdef.0123456789abcdef" } }],
    });
    expect(JSON.parse(text("/etc/sprout/network-agent.json"))).toMatchObject({
      clientFile: "/var/lib/kubelet/pki/kubelet-client-current.pem",
    });
  });

  it("keeps the machine's own hosts, and leaves a worker's endpoint to its resolver", async () => {
    const worker = await render(kubeadmWorkerMetadata, launchWorkerCredentials);
    expect(worker.text("/etc/hosts")).toBe(
      `127.0.0.1 localhost\n10.77.0.14 node03.build126.test node03\n${hostsBefore}`,
    );
    const first = await render(firstMetadata, launchFirstCredentials);
    expect(first.text("/etc/hosts")).toBe(
      `127.0.0.1 localhost\n10.77.0.11 cp01.build126.test cp01\n10.77.0.11 api.build126.test\n${hostsBefore}`,
    );
  });
});
