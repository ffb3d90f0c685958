import { expect, it } from "vitest";
import { parse } from "yaml";
import {
  firstCredentials,
  firstMetadata,
  imageManifest,
  poolMetadata,
  workerCredentials,
} from "../../test/fixtures/node-documents.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { createRender } from "../../templates/create-render.ts";
import { kubeletFiles, renderKubeletConfig } from "./kubelet.ts";

const machine = {
  image: imageManifest,
  inContainer: true,
  networkCard: "eth0",
  hasCgroupV1: false,
  now: new Date(0),
};
const render = createRender(templatesFolder);

const configOf = async (metadata: typeof firstMetadata, forCluster = false, path = "/etc/resolv.conf") => {
  const input = { ...machine, podResolver: { path }, metadata, credentials: firstCredentials, render };
  return parse(await renderKubeletConfig(input, { forCluster })) as unknown;
};

it("registers a control plane with its taint, unless there are no workers", async () => {
  const taints = [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }];
  expect(await configOf(firstMetadata)).toMatchObject({ registerWithTaints: taints });
  const alone = { ...firstMetadata, peers: [firstMetadata.self.name] };
  expect(await configOf(alone)).not.toHaveProperty("registerWithTaints");
  expect(await configOf(firstMetadata, true)).not.toHaveProperty("registerWithTaints");
});

it("gives this node its own file of name servers, and the cluster one that every node has", async () => {
  const own = "/var/lib/kubelet/resolv.conf";
  expect(await configOf(firstMetadata, false, own)).toHaveProperty("resolvConf", own);
  expect(await configOf(firstMetadata, true, own)).toHaveProperty("resolvConf", "/etc/resolv.conf");
});

it("labels this Node with its node pool", async () => {
  const podResolver = { path: "/etc/resolv.conf" };
  const input = { ...machine, podResolver, metadata: poolMetadata, credentials: workerCredentials, render };
  const { files } = await kubeletFiles(input);
  expect(files.find(({ path }) => path.endsWith("/kubeadm-flags.env"))?.content).toBe(
    'KUBELET_KUBEADM_ARGS="--hostname-override=node03.build126.test --node-ip=10.77.0.14 --node-labels=sprout.internal/node-pool=gpu"\n',
  );
});
