import { authorityFiles } from "#api/cluster-pki.ts";
import { pkiFiles } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { hasCgroupV1 } from "./machine/cgroups.ts";
import { below, readHostFile } from "./machine/files.ts";
import { findNetworkCard } from "./machine/hardware.ts";
import { readImageManifest } from "./machine/image-manifest.ts";
import { findPodResolver } from "./machine/name-server.ts";
import type { NodeCredentials } from "./node-credentials.ts";
import { toNodeKind } from "./run/node-kind.ts";
import { planSteps } from "./run/plan.ts";
import { renderNodeFiles } from "./render/node-files.ts";
import { createNodeRender } from "./templates.ts";
import type { UserData } from "./user-data/document.ts";

interface PrintPlanOptions {
  metadata: NodeMetadata;
  root: string;
  templatesOverlay?: string | undefined;
  inContainer: boolean;
  now: Date;
  /** Set if there is no server. */
  userData?: Pick<UserData, "etcdDomain"> | undefined;
}

/** Returns the steps and every file as text, with secrets masked. Claims nothing and changes nothing. */
export async function printPlan({
  metadata,
  root,
  templatesOverlay,
  inContainer,
  now,
  userData,
}: PrintPlanOptions): Promise<string> {
  const render = createNodeRender(root, templatesOverlay);
  const { files, links } = await renderNodeFiles({
    metadata,
    credentials: userData === undefined ? maskedCredentials(metadata) : maskedLaunch(metadata, userData),
    hostsBefore: (await readHostFile(below(root, "/etc/hosts"))) ?? "",
    render,
    image: await readImageManifest(root),
    inContainer,
    networkCard: findNetworkCard(metadata.self.address),
    hasCgroupV1: await hasCgroupV1(root),
    podResolver: await findPodResolver(root, metadata.self.address),
    now,
  });
  const steps = planSteps(metadata).map(
    ({ phase, after, optional }) =>
      `  ${phase}${after.length > 0 ? ` after ${after.join(", ")}` : ""}${optional ? " (optional: its failure is only reported)" : ""}`,
  );
  return [
    `${metadata.self.name}: ${toNodeKind(metadata)} of ${metadata.cluster.name}, Kubernetes ${metadata.cluster.kubernetesVersion}`,
    "steps:",
    ...steps,
    ...files.map(
      ({ path, content, mode, secret }) => `--- ${path} (${mode.toString(8)})\n${secret ? "[masked]\n" : content}`,
    ),
    ...links.map(({ path, target }) => `--- ${path} -> ${target}`),
    "",
  ].join("\n");
}

const masked = "[masked]\n";

function maskedLaunch(
  { allocation, self }: NodeMetadata,
  { etcdDomain }: Pick<UserData, "etcdDomain">,
): NodeCredentials {
  const common = { allocation, token: "[masked]" };
  if (self.role === "worker") return { role: self.role, ...common, pki: { "ca.crt": masked } };
  const pki = Object.fromEntries(authorityFiles.map((name) => [name, masked]));
  return { role: self.role, ...common, etcdDomain, pki: pki as Record<(typeof authorityFiles)[number], string> };
}

/** Stands in for what only a claim would return. */
function maskedCredentials({ allocation, self, network, join: mode }: NodeMetadata): NodeCredentials {
  const pair = { certificate: masked, key: masked };
  const kubelet = { client: pair, serving: pair };
  const common = { allocation, networkAgent: pair };
  const worker = { role: "worker", pki: { "ca.crt": masked }, ...common } as const;
  if (self.role === "worker" && mode === "kubeadm")
    return { ...worker, join: mode, kubelet: { serving: pair }, bootstrap: pair };
  if (self.role === "worker") return { ...worker, join: "certificate", kubelet };
  return {
    role: "control-plane",
    pki: Object.fromEntries(pkiFiles.map((name) => [name, masked])) as Record<(typeof pkiFiles)[number], string>,
    kubeconfigs: { admin: pair, "controller-manager": pair, scheduler: pair, "super-admin": pair },
    kubelet,
    ...(network.plugin === "manifest" && { networkManifest: masked }),
    ...common,
  };
}
