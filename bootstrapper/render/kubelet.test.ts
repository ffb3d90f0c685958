import { expect, it } from "vitest";
import { parse } from "yaml";
import { firstCredentials, firstMetadata, imageManifest, templatesFolder } from "../fixtures.ts";
import { createRender } from "../templates.ts";
import { renderKubeletConfig } from "./kubelet.ts";

const configOf = async (metadata: typeof firstMetadata, forCluster = false) => {
  const node = { image: imageManifest, inContainer: true, hasNameServer: false, hasCgroupV1: false, now: new Date(0) };
  const input = { ...node, metadata, credentials: firstCredentials, render: createRender(templatesFolder) };
  return parse(await renderKubeletConfig(input, { forCluster })) as unknown;
};

it("a control plane's kubelet registers with its taint, but not where there are no workers", async () => {
  const taints = [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }];
  expect(await configOf(firstMetadata)).toMatchObject({ registerWithTaints: taints });
  const alone = { ...firstMetadata, peers: [firstMetadata.self.name] };
  expect(await configOf(alone)).not.toHaveProperty("registerWithTaints");
  expect(await configOf(firstMetadata, true)).not.toHaveProperty("registerWithTaints");
});
