import { describe, expect, it } from "vitest";
import type { Credentials } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { createClusterCredentials } from "../../test/fakes/test-certificates.ts";
import { checkCredentials } from "./check-credentials.ts";
import { firstMetadata, kubeadmWorkerMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";

const dayMs = 86_400_000;
const now = Date.now();
const mint = createClusterCredentials(now);
const local = (metadata: NodeMetadata): NodeMetadata => ({
  ...metadata,
  self: { ...metadata.self, address: "127.0.0.1" },
});
const toCredentials = ({ self, allocation, join }: NodeMetadata, by = mint) =>
  by(self.role, { name: self.name, allocation, join });
const [worker, first] = [local(workerMetadata), local(firstMetadata)];
const [ofWorker, ofFirst] = [toCredentials(worker), toCredentials(first)] as [
  Credentials & { role: "worker"; join: "certificate" },
  Credentials & { role: "control-plane" },
];
const foreign = toCredentials(worker, createClusterCredentials(now)) as typeof ofWorker;
const neighbour = mint("worker", { ...worker, name: "node04.build126.test" }) as typeof ofWorker;

function problemOf(credentials: Credentials, metadata: NodeMetadata, at = now): string {
  try {
    checkCredentials(credentials, { metadata, now: at });
    return "";
  } catch (error) {
    return (error as Error).message.replace(/^Cannot use credentials: /, "");
  }
}

describe("checkCredentials", () => {
  it.each([worker, first, local(kubeadmWorkerMetadata)])(
    "accepts what the server mints, within milliseconds",
    (metadata) => {
      const credentials = toCredentials(metadata);
      const before = process.cpuUsage();
      expect(problemOf(credentials, metadata)).toBe("");
      const { user, system } = process.cpuUsage(before);
      // The processor's time, in microseconds: other programs do not count.
      expect(user + system).toBeLessThan(200_000);
    },
  );

  it.each<[string, Credentials, string]>([
    [
      "another allocation's",
      { ...ofWorker, allocation: "a-zzzzzzzzzzzzzzzz" },
      "they are for a-zzzzzzzzzzzzzzzz, this is a-bbbbbbbbbbbbbbbb",
    ],
    ["another role's", { ...ofFirst, allocation: worker.allocation }, "they are for a control-plane, this is a worker"],
    [
      "for another kind of join",
      toCredentials({ ...worker, join: "kubeadm" }),
      "they are for a join by kubeadm, the metadata says certificate",
    ],
    [
      "another node's",
      neighbour,
      "/kubelet/client: is not for node03.build126.test; /kubelet/serving: is not for node03.build126.test",
    ],
    [
      "with another certificate's key",
      { ...ofWorker, networkAgent: { ...ofWorker.networkAgent!, key: ofWorker.kubelet.client.key } },
      "/networkAgent: its key belongs to another certificate",
    ],
    [
      "with an invalid key",
      { ...ofWorker, networkAgent: { ...ofWorker.networkAgent!, key: ofWorker.networkAgent!.certificate } },
      "/networkAgent: its key is not a private key",
    ],
    [
      "with an invalid certificate",
      { ...ofWorker, networkAgent: { ...ofWorker.networkAgent!, certificate: ofWorker.networkAgent!.key } },
      "/networkAgent: is not a certificate",
    ],
    [
      "with another cluster's authority",
      { ...ofWorker, pki: foreign.pki },
      "/kubelet/client: is not signed by its authority; /kubelet/serving: is not signed by its authority; /networkAgent: is not signed by its authority",
    ],
    [
      "with another cluster's kubelet",
      { ...ofWorker, kubelet: foreign.kubelet },
      "/kubelet/client: is not signed by its authority; /kubelet/serving: is not signed by its authority",
    ],
    [
      "with the serving certificate in place of the client's",
      { ...ofWorker, kubelet: { ...ofWorker.kubelet, client: ofWorker.kubelet.serving } },
      "",
    ],
  ])("refuses credentials: %s", (_, credentials, problem) => {
    expect(problemOf(credentials, worker)).toBe(problem);
  });

  it.each<[string, keyof (typeof ofFirst)["pki"], keyof (typeof ofFirst)["pki"], string]>([
    [
      "etcd's authority is the cluster's",
      "etcd/ca.crt",
      "ca.crt",
      "/pki/etcd~1ca.crt: its key belongs to another certificate",
    ],
    [
      "the front proxy's key is the authority's",
      "front-proxy-client.key",
      "front-proxy-ca.key",
      "/pki/front-proxy-client.crt: its key belongs to another certificate",
    ],
    [
      "the API server's certificate is etcd's",
      "apiserver.crt",
      "etcd/server.crt",
      "/pki/apiserver.crt: its key belongs to another certificate; /pki/apiserver.crt: is not signed by its authority",
    ],
  ])("refuses a control plane's credentials if %s", (_, file, taken, problem) => {
    const pki = { ...ofFirst.pki, [file]: ofFirst.pki[taken] };
    expect(problemOf({ ...ofFirst, pki }, first)).toContain(problem);
  });

  it("refuses an address that is not in the serving certificate", () => {
    expect(problemOf(ofWorker, workerMetadata)).toBe("/kubelet/serving: is not for 10.77.0.14");
  });

  it("judges validity by the given clock: a day early and a year late", () => {
    expect(problemOf(ofWorker, worker, now - dayMs)).toMatch(/^\/kubelet\/client: is not valid before .* GMT; /);
    expect(problemOf(ofWorker, worker, now + 365 * dayMs)).toMatch(/^\/kubelet\/client: expired on .* GMT; /);
  });
});
