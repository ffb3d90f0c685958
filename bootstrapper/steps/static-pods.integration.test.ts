import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { furtherMetadata } from "../../test/fixtures/node-documents.ts";
import { patience } from "../../test/fixtures/patience.ts";

const controllers = ["kube-controller-manager.yaml", "kube-scheduler.yaml"];

it("gives the kubelet scheduler and controller manager when the API server makes its roles, not before", async () => {
  const machine = await simulateMachine(furtherMetadata);
  machine.kubernetes.hasRoles = false;
  const list = (folder: string) => readdir(join(machine.root, "etc/kubernetes", folder)).catch((): string[] => []);
  const run = machine.run();
  await expect.poll(() => list("deferred-manifests"), patience).toEqual(controllers);
  machine.kubernetes.addNode(furtherMetadata.self.name, { address: "127.0.0.1", ready: true });
  const marked = `PATCH /api/v1/nodes/${furtherMetadata.self.name}`;
  await expect.poll(() => machine.kubernetes.changes, patience).toContain(marked);
  expect(await list("manifests")).toEqual([]);
  machine.kubernetes.hasRoles = true;
  expect(await run).toMatchObject({ exitCode: 0, error: "" });
  expect(await list("manifests")).toEqual(controllers);
});
