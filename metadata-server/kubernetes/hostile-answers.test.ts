import { describe, expect, it } from "vitest";
import { createManualClock } from "../../test/fakes/manual-clock.ts";
import type { KubernetesAnswer, KubernetesApi } from "./api-client.ts";
import { drainNode } from "./drain-node.ts";
import { removeEtcdMember } from "./etcd-members.ts";

const { signal } = new AbortController();
const answering = (body: unknown, status = 200): KubernetesApi => ({
  call: async ({ path }): Promise<KubernetesAnswer> =>
    path.startsWith("/api/v1/nodes/") ? { status: 200, body: {} } : { status, body },
  [Symbol.dispose]: () => undefined,
});
const drain = async (body: unknown, status?: number) =>
  (await drainNode(answering(body, status), { name: "node01", drainBy: 0, clock: createManualClock(), signal }))
    .blockedBy;
const hundredThousand = <T>(item: T) => Array.from({ length: 100_000 }, () => item);
const pod = (name: string) => ({ metadata: { name, namespace: "default", uid: "u" } });

describe("A control plane that is hostile", () => {
  it.each<[string, unknown]>([
    ["no list", { items: "all" }],
    ["nothing", undefined],
    ["a list of other things", { items: hundredThousand(7) }],
    ["a token to continue without end", { items: [], metadata: { continue: "x".repeat(20_000) } }],
  ])("answers with %s, and the reason is one short line", async (_, body) => {
    expect(await drain(body)).toBe("GET /api/v1/pods answered 200 with a body of another shape");
  });

  it("continues its list for ever, and is asked for 250 pages", async () => {
    expect(await drain({ items: [], metadata: { continue: "next" } })).toBe(
      "Node node01 has more than 5000 pods that are not to be evicted",
    );
  });

  it("names pods and reasons of any length, with control characters, and the reason stays short and printable", async () => {
    const reason =
      (await drain({ items: [pod(`a\u001b[31m${"x".repeat(100_000)}`), ...hundredThousand(pod("b"))] })) ?? "";
    expect(reason.length).toBeLessThan(1000);
    expect(reason).not.toMatch(/\p{C}/u);
    const refused = (await drain({ message: `no\u0007${"y".repeat(100_000)}` }, 500)) ?? "";
    expect(refused.length).toBeLessThan(700);
    expect(refused).not.toMatch(/\p{C}/u);
  });

  it("names etcd members without a usable address, and none is removed", async () => {
    const members = [{ ID: "1", peerURLs: ["no url", "https://"] }, { ID: "2" }];
    await expect(removeEtcdMember(answering({ members }), { address: "10.77.0.11", signal })).resolves.toBeUndefined();
    await expect(removeEtcdMember(answering({ members: 7 }), { address: "10.77.0.11", signal })).rejects.toThrow(
      "POST /v3/cluster/member/list answered 200 with a body of another shape",
    );
  });
});
