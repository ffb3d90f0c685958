import { z } from "zod";
import { boundedList } from "#api/bounded-list.ts";
import { type KubernetesApi, type KubernetesCall, readAnswer, unexpectedAnswer } from "./api-client.ts";

/** Ids are 64 bits, so etcd's gateway writes them as text. https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/ */
const MemberList = z.object({
  members: boundedList(z.object({ ID: z.string(), peerURLs: boundedList(z.string()).optional() })),
});

/**
 * Removes the etcd member with this peer address, through the etcd servers that are left. No error if there is none.
 * etcd refuses a removal that would cost the quorum.
 */
export async function removeEtcdMember(
  etcd: KubernetesApi,
  { address, signal }: { address: string; signal: AbortSignal },
): Promise<void> {
  const list: KubernetesCall = { method: "POST", path: "/v3/cluster/member/list", body: {}, signal };
  const { members } = readAnswer(MemberList, list, await etcd.call(list));
  const member = members.find(({ peerURLs = [] }) => peerURLs.some((url) => URL.parse(url)?.hostname === address));
  if (member === undefined) return;
  const remove: KubernetesCall = { method: "POST", path: "/v3/cluster/member/remove", body: { ID: member.ID }, signal };
  const removed = await etcd.call(remove);
  if (removed.status !== 200) throw unexpectedAnswer(remove, removed);
}
