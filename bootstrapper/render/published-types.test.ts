import { describe, expect, it } from "vitest";
import type { Credentials } from "#api/credentials.ts";
import { defaultKubernetesVersion, kubernetesMinor, kubernetesReleases } from "#api/kubernetes-version.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { checkDocuments, loadPublishedTypes } from "../../test/fixtures/published-types.ts";
import {
  firstCredentials,
  firstMetadata,
  furtherMetadata,
  imageManifest,
  kubeadmWorkerCredentials,
  kubeadmWorkerMetadata,
  workerCredentials,
  workerMetadata,
} from "../../test/fixtures/node-documents.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { createRender } from "../../templates/create-render.ts";
import { renderNodeFiles } from "./node-files.ts";

const apis = ["kubeadm", "kubelet", "kube-proxy"];
const loadApis = (minor: number) => apis.map((api) => loadPublishedTypes(`${api}-1.${minor}`));

const nodes: [kind: string, NodeMetadata, Credentials][] = [
  ["first control plane", firstMetadata, firstCredentials],
  ["only control plane", { ...firstMetadata, peers: [firstMetadata.self.name] }, firstCredentials],
  ["further control plane", furtherMetadata, firstCredentials],
  ["worker", workerMetadata, workerCredentials],
  ["worker that joins by kubeadm", kubeadmWorkerMetadata, kubeadmWorkerCredentials],
];
const images = [imageManifest, { ...imageManifest, imageRepository: "mirror.test:5000/k8s" }];

const configurations = /^\/etc\/kubernetes\/kubeadm.*\.yaml$|^\/var\/lib\/kubelet\/config\.yaml$/;

async function renderConfigurations(
  version: string,
  [, metadata, credentials]: (typeof nodes)[number],
): Promise<{ path: string; content: string }[]> {
  const cluster = { ...metadata.cluster, kubernetesVersion: version };
  const machines = images.flatMap((image) =>
    [true, false].map((one) => ({
      image,
      inContainer: one,
      networkCard: "eth0",
      hasCgroupV1: one,
      podResolver: { path: "/etc/resolv.conf" },
    })),
  );
  const rendered = await Promise.all(
    machines.map((machine) =>
      renderNodeFiles({
        ...machine,
        metadata: { ...metadata, cluster },
        credentials,
        render: createRender(templatesFolder),
        now: new Date(0),
      }),
    ),
  );
  return rendered.flatMap(({ files }) => files).filter(({ path }) => configurations.test(path));
}

describe("rendered files, by the published types", () => {
  for (const { minor, version } of kubernetesReleases)
    it.each(nodes)(`renders no unknown field for Kubernetes ${version} on a %s`, async (...node) => {
      const files = await renderConfigurations(version, node);
      expect(files.length).toBeGreaterThanOrEqual(images.length);
      expect(
        files.flatMap(({ path, content }) =>
          checkDocuments(content, loadApis(minor)).map((problem) => `${path}: ${problem}`),
        ),
      ).toEqual([]);
    });

  it.each([
    [
      "a field of another version",
      "clusterName:",
      "useHyperKubeImage: true\nclusterName:",
      ["ClusterConfiguration.useHyperKubeImage: unknown field"],
    ],
    [
      "a misspelt field",
      "controlPlaneEndpoint:",
      "controlplaneEndpoint:",
      ["ClusterConfiguration.controlplaneEndpoint: unknown field"],
    ],
    ["a map in place of a list", "- ttl: 1s", "  ttl: 1s", ["InitConfiguration.bootstrapTokens: is not a list"]],
    [
      "a number in place of a string",
      'value: "false"',
      "value: 1",
      ["ClusterConfiguration.controllerManager.extraArgs[0].value: 1 is not of type string"],
    ],
    [
      "a duration without its unit",
      "ttl: 1s",
      "ttl: 1",
      ["InitConfiguration.bootstrapTokens[0].ttl: 1 is not of type duration"],
    ],
    [
      "a kind that does not exist",
      "kind: ClusterConfiguration",
      "kind: ClusterConfig",
      ["unknown kind ClusterConfig of kubeadm.k8s.io/v1beta4"],
    ],
    [
      "a removed API",
      "kubeadm.k8s.io/v1beta4",
      "kubeadm.k8s.io/v1beta3",
      [
        "unknown kind InitConfiguration of kubeadm.k8s.io/v1beta3",
        "unknown kind ClusterConfiguration of kubeadm.k8s.io/v1beta3",
      ],
    ],
    [
      "a repeated key",
      "clusterName:",
      "clusterName: twice\nclusterName:",
      ["Map keys must be unique at line 22, column 1:"],
    ],
  ])("detects %s", async (_what, from, to, problems) => {
    const files = await renderConfigurations(defaultKubernetesVersion, nodes[0]!);
    const content = files.find(({ path }) => path === "/etc/kubernetes/kubeadm.yaml")?.content ?? "";
    expect(content).toContain(from);
    expect(checkDocuments(content.replaceAll(from, to), loadApis(kubernetesMinor(defaultKubernetesVersion)))).toEqual(
      problems,
    );
  });
});
