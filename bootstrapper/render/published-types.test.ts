import { describe, expect, it } from "vitest";
import type { Credentials } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { checkDocuments, loadPublishedTypes } from "../../test/fixtures/published-types.ts";
import {
  firstCredentials,
  firstMetadata,
  furtherMetadata,
  imageManifest,
  kubeadmWorkerCredentials,
  kubeadmWorkerMetadata,
  templatesFolder,
  workerCredentials,
  workerMetadata,
} from "../fixtures.ts";
import { createRender } from "../templates.ts";
import { renderNodeFiles } from "./node-files.ts";

/** From 1.31 on these fields are neither renamed nor removed; newer versions add some. */
const published = {
  "v1.20.2": ["kubeadm-v1beta2", "kubelet-1.20", "kube-proxy-1.20"].map(loadPublishedTypes),
  "v1.31.4": ["kubeadm-v1beta4", "kubelet-1.32", "kube-proxy-1.36"].map(loadPublishedTypes),
  "v1.35.0": ["kubeadm-v1beta4", "kubelet-1.32", "kube-proxy-1.36"].map(loadPublishedTypes),
} as const;
const versions = Object.keys(published) as (keyof typeof published)[];

const nodes: [kind: string, NodeMetadata, Credentials][] = [
  ["first control plane", firstMetadata, firstCredentials],
  ["only control plane", { ...firstMetadata, peers: [firstMetadata.self.name] }, firstCredentials],
  ["further control plane", furtherMetadata, firstCredentials],
  ["worker", workerMetadata, workerCredentials],
  ["worker that joins by kubeadm", kubeadmWorkerMetadata, kubeadmWorkerCredentials],
];
const images = [imageManifest, { ...imageManifest, clusterDns: true, imageRepository: "mirror.test:5000/k8s" }];

const configurations = /^\/etc\/kubernetes\/kubeadm.*\.yaml$|^\/var\/lib\/kubelet\/config\.yaml$/;

async function renderConfigurations(
  version: keyof typeof published,
  [, metadata, credentials]: (typeof nodes)[number],
): Promise<{ path: string; content: string }[]> {
  const cluster = { ...metadata.cluster, kubernetesVersion: version };
  const machines = images.flatMap((image) => [true, false].map((inContainer) => ({ image, inContainer })));
  const rendered = await Promise.all(
    machines.map((machine) =>
      renderNodeFiles({
        ...machine,
        hasNameServer: true,
        metadata: { ...metadata, cluster },
        credentials,
        render: createRender(templatesFolder),
        now: new Date(0),
      }),
    ),
  );
  return rendered.flatMap(({ files }) => files).filter(({ path }) => configurations.test(path));
}

describe("what is rendered, by the published types", () => {
  for (const version of versions)
    it.each(nodes)(`has no unknown field for Kubernetes ${version} on a %s`, async (...node) => {
      const files = await renderConfigurations(version, node);
      expect(files.length).toBeGreaterThanOrEqual(images.length);
      expect(
        files.flatMap(({ path, content }) =>
          checkDocuments(content, published[version]).map((problem) => `${path}: ${problem}`),
        ),
      ).toEqual([]);
    });

  const listedArguments = `extraArgs:
  # The plan gave every node its pod CIDR already.
  - name: allocate-node-cidrs
    value: "false"`;

  it.each([
    [
      "a field of the other version",
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
    [
      "a map in the place of a list",
      listedArguments,
      'extraArgs:\n    allocate-node-cidrs: "false"',
      ["ClusterConfiguration.controllerManager.extraArgs: is not a list"],
    ],
    [
      "a number in the place of a string",
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
      "the API of 1.20",
      "kubeadm.k8s.io/v1beta4",
      "kubeadm.k8s.io/v1beta2",
      [
        "unknown kind InitConfiguration of kubeadm.k8s.io/v1beta2",
        "unknown kind ClusterConfiguration of kubeadm.k8s.io/v1beta2",
      ],
    ],
    [
      "a key that comes twice",
      "clusterName:",
      "clusterName: twice\nclusterName:",
      ["Map keys must be unique at line 17, column 1:"],
    ],
  ])("would show %s", async (_what, from, to, problems) => {
    const files = await renderConfigurations("v1.31.4", nodes[0]!);
    const content = files.find(({ path }) => path === "/etc/kubernetes/kubeadm.yaml")?.content ?? "";
    expect(content).toContain(from);
    expect(checkDocuments(content.replaceAll(from, to), published["v1.31.4"])).toEqual(problems);
  });
});
