import { z } from "zod";
import { SupportedKubernetesVersion } from "#api/kubernetes-version.ts";
import { ServerUrl } from "#api/seed.ts";

/** Options of `sprout serve` for machines that the operator launches. Without a URL there are none. */
export const externalOptions = {
  /** The metadata server as those machines reach it. */
  externalServerUrl: ServerUrl.nullable().default(null),
  /** Versions that their images have; the first is the default of a request. */
  externalKubernetesVersions: z
    .preprocess(
      (value) => (typeof value === "string" ? value.split(",") : value),
      z.array(SupportedKubernetesVersion).min(1).max(32),
    )
    .nullable()
    .default(null),
};

export const externalVariables = {
  externalServerUrl: "SPROUT_EXTERNAL_SERVER_URL",
  externalKubernetesVersions: "SPROUT_EXTERNAL_KUBERNETES_VERSIONS",
};

type ExternalOptions = { [K in keyof typeof externalOptions]: z.output<(typeof externalOptions)[K]> };

/** Refuses one option without the other. */
export function checkExternalOptions(options: ExternalOptions, context: z.core.$RefinementCtx): void {
  const { externalServerUrl, externalKubernetesVersions } = options;
  if ((externalServerUrl === null) === (externalKubernetesVersions === null)) return;
  const [missing, given] =
    externalServerUrl === null
      ? ["externalServerUrl", "--external-kubernetes-versions"]
      : ["externalKubernetesVersions", "--external-server-url"];
  context.addIssue({ code: "custom", path: [missing], message: `a value with ${given}` });
}
