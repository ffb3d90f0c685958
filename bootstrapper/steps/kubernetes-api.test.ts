import { describe, expect, it, onTestFinished } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { startFakeKubernetesApi } from "../../test/fakes/fake-kubernetes-api.ts";
import { mint } from "../../test/fakes/simulated-machine.ts";
import { furtherMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";
import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";

const { allocation, controlPlanes } = furtherMetadata;
const [first, second] = controlPlanes;

/** A fake API server at 127.0.0.1, and a node that looks for it at these addresses. */
async function askFrom(metadata: NodeMetadata, addresses: string[]): Promise<number> {
  const credentials = mint("control-plane", { allocation, name: first!.name });
  if (credentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  const { "apiserver.crt": certificate, "apiserver.key": key } = credentials.pki;
  const server = await startFakeKubernetesApi({ certificate, key });
  onTestFinished(() => server.close());
  const named = addresses.map((address, index) => ({ ...controlPlanes[index]!, address }));
  const at = { ...metadata, endpoint: `localhost:${server.port}`, controlPlanes: named };
  const node = {
    metadata: at,
    credentials: mint("worker", { allocation, name: metadata.self.name }),
    root: "/nowhere",
  };
  using api = await apiOf(node as unknown as ClaimedNode, "anonymous");
  return await api.status("/readyz", patientSignal());
}

describe("apiOf", () => {
  it("leads a worker past control planes that do not answer", async () => {
    expect(await askFrom(workerMetadata, ["127.0.0.98", "127.0.0.99", "127.0.0.1"])).toBe(200);
  });

  it("leads a worker to the first control plane if none answers", async () => {
    await expect(askFrom(workerMetadata, ["127.0.0.98", "127.0.0.99"])).rejects.toThrow("127.0.0.98");
  });

  it("leads a control plane to itself, whatever the others do", async () => {
    const self = { ...furtherMetadata.self, address: "127.0.0.1" };
    expect(await askFrom({ ...furtherMetadata, self }, [first!.address, second!.address])).toBe(200);
  });
});
