import { z } from "zod";
import { SupportedKubernetesVersion } from "#api/kubernetes-version.ts";
import { ServerUrl } from "#api/seed.ts";

/** What `sprout serve` can be told of machines that somebody else launches; without a URL there are none. */
export const externalOptions = {
  /** As those machines reach it. */
  externalServerUrl: ServerUrl.nullable().default(null),
  /** What their images have; the first where a request names none. */
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

/** Neither is of use without the other. */
export function checkExternalOptions(options: ExternalOptions, context: z.core.$RefinementCtx): void {
  const { externalServerUrl, externalKubernetesVersions } = options;
  if ((externalServerUrl === null) === (externalKubernetesVersions === null)) return;
  const [missing, given] =
    externalServerUrl === null
      ? ["externalServerUrl", "--external-kubernetes-versions"]
      : ["externalKubernetesVersions", "--external-server-url"];
  context.addIssue({ code: "custom", path: [missing], message: `is required with ${given}` });
}
