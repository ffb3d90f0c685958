import { describe, expect, it } from "vitest";
import { firstMetadata, furtherMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { planSteps } from "./plan.ts";

const print = (metadata: Parameters<typeof planSteps>[0]) =>
  planSteps(metadata).map(({ phase, after }) => `${phase} < ${after.join(" ")}`.trimEnd());

describe("planSteps", () => {
  it("starts a worker's kubelet only once the API server answers", () => {
    expect(print(workerMetadata)).toEqual([
      "preflight <",
      "claim <",
      "render < claim",
      "confirm < render preflight",
      "api-server < render",
      "kubelet < api-server preflight",
      "register < kubelet",
      "network < register",
      "verify < network confirm",
      "peers <",
    ]);
  });

  it("leaves a worker's kubelet to kubeadm's join, and uses the Node as soon as it exists", () => {
    expect(print({ ...workerMetadata, join: "kubeadm" }).slice(4)).toEqual([
      "api-server < render",
      "join < api-server preflight",
      "register < api-server",
      "network < register",
      "verify < join network confirm",
      "peers <",
    ]);
  });

  it("plans the first control plane up to the proof with probe pods", () => {
    expect(print(firstMetadata)).toEqual([
      "preflight <",
      "claim <",
      "render < claim",
      "confirm < render preflight",
      "static-pods < render",
      "kubelet < static-pods preflight",
      "api-server < kubelet",
      "register < kubelet",
      "cluster-config < api-server register",
      "network < register",
      "verify < cluster-config network confirm",
      "available < verify",
      "peers <",
    ]);
    expect(planSteps(firstMetadata).filter(({ optional }) => optional)).toEqual([
      { phase: "available", after: ["verify"], optional: true },
      { phase: "peers", after: [], optional: true, background: true },
    ]);
  });

  it("lets no step wait for the check of peers", () => {
    for (const metadata of [workerMetadata, firstMetadata, furtherMetadata])
      expect(planSteps(metadata).flatMap(({ after }) => after)).not.toContain("peers");
  });

  it("plans a further control plane like the first, without the probe pods", () => {
    expect(print(furtherMetadata)).toEqual(print(firstMetadata).filter((step) => step !== "available < verify"));
  });
});
