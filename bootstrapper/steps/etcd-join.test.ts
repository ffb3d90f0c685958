import { describe, expect, it } from "vitest";
import { furtherMetadata } from "../../test/fixtures/node-documents.ts";
import type { EtcdClient, EtcdMember } from "../kubernetes/etcd-client.ts";
import { becomeMember, becomeVoter } from "./etcd-join.ts";

const { signal } = new AbortController();
/** cp02 of three joins the etcd of cp01 and cp03. */
const joining = { metadata: furtherMetadata, signal };
const memberAt = (address: string, more: Partial<EtcdMember> = {}): EtcdMember => ({
  ID: `id-of-${address}`,
  peerURLs: [`https://${address}:2380`],
  isLearner: false,
  ...more,
});
const others = [memberAt("10.77.0.13"), memberAt("10.77.0.11")];

function fakeEtcd(members: EtcdMember[]) {
  const calls: string[] = [];
  const etcd: EtcdClient = {
    members: async () => members,
    addLearner: async (url) => void calls.push(`add ${url}`),
    promote: async (id) => void calls.push(`promote ${id}`),
    [Symbol.dispose]: () => undefined,
  };
  return { etcd, calls };
}

describe("An etcd that joins the one of other control planes", () => {
  it("becomes a learner first, and is not added again after a restart", async () => {
    const { etcd, calls } = fakeEtcd([...others]);
    await becomeMember(etcd, joining);
    expect(calls).toEqual(["add https://10.77.0.12:2380"]);
    const restarted = fakeEtcd([...others, memberAt("10.77.0.12", { isLearner: true })]);
    await becomeMember(restarted.etcd, joining);
    expect(restarted.calls).toEqual([]);
  });

  it.each([
    ["has a member that the plan does not have", [...others, memberAt("10.77.0.99")]],
    ["lacks a control plane", [memberAt("10.77.0.11")]],
  ])("does not become one while the etcd %s, and the error names both", async (_, members) => {
    const { etcd, calls } = fakeEtcd(members);
    const named = members.map(({ peerURLs }) => peerURLs[0]).join(" ");
    await expect(becomeMember(etcd, joining)).rejects.toThrow(
      `its other members are ${named}, the control planes https://10.77.0.11:2380 https://10.77.0.13:2380`,
    );
    expect(calls).toEqual([]);
  });

  it("gets its vote once, and says so if it was removed meanwhile", async () => {
    const learner = fakeEtcd([...others, memberAt("10.77.0.12", { isLearner: true })]);
    await becomeVoter(learner.etcd, joining);
    expect(learner.calls).toEqual(["promote id-of-10.77.0.12"]);
    const voter = fakeEtcd([...others, memberAt("10.77.0.12")]);
    await becomeVoter(voter.etcd, joining);
    expect(voter.calls).toEqual([]);
    await expect(becomeVoter(fakeEtcd(others).etcd, joining)).rejects.toThrow("it was removed again");
  });
});
