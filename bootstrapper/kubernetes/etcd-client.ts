import { Agent } from "node:https";
import { z } from "zod";
import type { KeyPair } from "#api/credentials.ts";
import { messageOf } from "#lib/errors.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { httpsRequest } from "../server/https-request.ts";

/** Ids are 64 bits, so etcd's gateway writes them as text. Absent fields are those with Go's zero value. */
const EtcdMember = z.object({
  ID: z.string(),
  peerURLs: z.array(z.string()).default([]),
  isLearner: z.boolean().default(false),
});
export type EtcdMember = z.output<typeof EtcdMember>;

const MemberList = z.object({ members: z.array(EtcdMember) });
const Refusal = z.object({ message: z.string() });

interface EtcdClientOptions {
  /** `https://ADDRESS:PORT` of each server that may be asked. */
  servers: readonly string[];
  /** PEM of etcd's authority. */
  ca: string;
  client: KeyPair;
}

/** The few calls that a control plane makes to the etcd that it joins. All throw if no server does what was asked. */
export interface EtcdClient extends Disposable {
  members(signal: AbortSignal): Promise<EtcdMember[]>;
  /** Adds a member that gets the data and does not vote yet. */
  addLearner(peerUrl: string, signal: AbortSignal): Promise<void>;
  /** Gives a learner its vote. etcd refuses that until the learner has nearly all the data. */
  promote(id: string, signal: AbortSignal): Promise<void>;
}

const attemptTimeoutMs = 5000;

/** Calls etcd's JSON gateway: https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/ */
export function createEtcdClient({ servers, ca, client }: EtcdClientOptions): EtcdClient {
  const agent = new Agent({ ca, cert: client.certificate, key: client.key, keepAlive: true });

  async function post(server: string, path: string, body: object, signal: AbortSignal): Promise<unknown> {
    const answer = await httpsRequest({
      url: new URL(path, server),
      agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
    });
    const parsed = parseJsonOrNothing(answer.body);
    if (answer.status === 200) return parsed;
    const reason = Refusal.safeParse(parsed).data?.message.slice(0, 500);
    throw new Error(`${path} answered ${answer.status}${reason === undefined ? "" : `: ${reason}`}`);
  }

  /** Asks one server after another until one does it: some may be gone. */
  async function call(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    const failures: string[] = [];
    for (const server of servers)
      try {
        return await post(server, path, body, signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${server}: ${messageOf(error)}`);
      }
    throw new Error(failures.join("; "));
  }

  return {
    members: async (signal) => MemberList.parse(await call("/v3/cluster/member/list", {}, signal)).members,
    async addLearner(peerUrl, signal) {
      await call("/v3/cluster/member/add", { peerURLs: [peerUrl], isLearner: true }, signal);
    },
    async promote(id, signal) {
      await call("/v3/cluster/member/promote", { ID: id }, signal);
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
