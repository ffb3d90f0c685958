import type { Kubectl } from "../../cli/demo/kubectl.ts";

const pki = "/etc/kubernetes/pki/etcd";
const list = `etcdctl --cacert=${pki}/ca.crt --cert=${pki}/peer.crt --key=${pki}/peer.key --write-out=json member list`;

/** Returns the short names of etcd's voting members in order, by what the etcd of this control plane answers. */
export async function etcdVoters(kubectl: Kubectl, node: string): Promise<string[]> {
  const listed = await kubectl(["-n", "kube-system", "exec", `etcd-${node}`, "--", ...list.split(" ")]);
  const { members } = JSON.parse(listed) as { members: { name: string; isLearner?: boolean }[] };
  return members.flatMap(({ name, isLearner }) => (isLearner ? [] : (name.split(".")[0] ?? []))).toSorted();
}
