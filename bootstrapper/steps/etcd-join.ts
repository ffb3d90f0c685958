import type { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "../errors.ts";
import { createEtcdClient, type EtcdClient, type EtcdMember } from "../kubernetes/etcd-client.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { ports } from "../kubernetes/ports.ts";
import { poll } from "../poll.ts";
import { etcdPeerUrl } from "../render/kubeadm.ts";
import type { ClaimedNode } from "./node-context.ts";
import { releaseManifests } from "./static-pods.ts";

const intervalMs = 100;

/**
 * Makes this node's etcd a member of the other control planes' etcd, as `kubeadm join phase etcd-join` does: first a
 * learner without a vote, a voting member once it has the data. Only then the API server starts, which needs an etcd
 * that answers. Repeatable: a member that exists is not added again.
 */
export async function joinEtcd(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  using etcd = openEtcd(node);
  await poll(() => becomeMember(etcd, { metadata: node.metadata, signal }), {
    signal,
    intervalMs,
    failure: "Cannot become a member of etcd",
  });
  await releaseManifests(node, ["etcd.yaml"]);
  await poll(() => becomeVoter(etcd, { metadata: node.metadata, signal }), {
    signal,
    intervalMs,
    failure: "Cannot become a voting member of etcd",
  });
  await releaseManifests(node, ["kube-apiserver.yaml"]);
}

/** Opens the etcd of the other control planes: a learner answers hardly any call. */
function openEtcd({ metadata: { self, controlPlanes }, credentials }: ClaimedNode): EtcdClient {
  if (isLaunchCredentials(credentials) || credentials.role === "worker")
    throw new BootstrapError("invalid-input", "Cannot join etcd: only a control plane with a metadata server can");
  const { pki } = credentials;
  const others = controlPlanes.filter(({ name }) => name !== self.name);
  return createEtcdClient({
    servers: others.map(({ address }) => `https://${address}:${ports.etcdClient}`),
    ca: pki["etcd/ca.crt"],
    client: { certificate: pki["apiserver-etcd-client.crt"], key: pki["apiserver-etcd-client.key"] },
  });
}

interface Joining {
  metadata: Pick<NodeMetadata, "self" | "controlPlanes">;
  signal: AbortSignal;
}

/** Throws as long as etcd's other members are not those of the plan, with which this node's etcd would not start. */
export async function becomeMember(etcd: EtcdClient, { metadata, signal }: Joining): Promise<true> {
  const own = etcdPeerUrl(metadata.self.address);
  const members = await etcd.members(signal);
  const others = members.filter((member) => !isOf(member, own)).map(({ peerURLs }) => peerURLs.join(","));
  const planned = metadata.controlPlanes.map(({ address }) => etcdPeerUrl(address)).filter((url) => url !== own);
  if (others.toSorted().join(" ") !== planned.toSorted().join(" "))
    throw new Error(`its other members are ${others.join(" ")}, the control planes ${planned.join(" ")}`);
  if (others.length === members.length) await etcd.addLearner(own, signal);
  return true;
}

export async function becomeVoter(etcd: EtcdClient, { metadata, signal }: Joining): Promise<true> {
  const own = etcdPeerUrl(metadata.self.address);
  const member = (await etcd.members(signal)).find((each) => isOf(each, own));
  if (member === undefined) throw new Error("it was removed again");
  if (member.isLearner) await etcd.promote(member.ID, signal);
  return true;
}

const isOf = ({ peerURLs }: EtcdMember, url: string) => peerURLs.includes(url);
