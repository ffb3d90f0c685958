import { z } from "zod";
import { quoteValue } from "#lib/quote-value.ts";
import { has, implies } from "./implication.ts";
import { flattenLists } from "./manifest-list.ts";
import { manifestExpectations } from "./manifest.ts";
import { Cidr, ManifestName, NetworkPorts } from "./network.ts";

const maxManifestBytes = 128 * 1024;
const tooLarge = `at most ${maxManifestBytes} bytes; bake a larger manifest into the image (--network-baked)`;

/** The same as the rules between fields below, for readers of the OpenAPI document. */
const isManifest = { properties: { plugin: { const: "manifest" } }, ...has("plugin") };
const betweenFields = [
  implies(isManifest, { oneOf: [has("manifest"), has("baked")] }),
  implies({ not: isManifest }, { not: { anyOf: [has("manifest"), has("baked"), has("ports")] } }),
];

/** `network` of `POST /v1/clusters`. A manifest is either in the request or baked into the image. */
export const CreateNetwork = z
  .strictObject({
    plugin: z.enum(["routes", "manifest"]).optional().describe("`routes` (the default): Sprout's own network agent"),
    /** Sealed at rest, and part of no answer. */
    manifest: z
      .string()
      .max(maxManifestBytes, tooLarge)
      .superRefine((text, context) => {
        const isTooLarge = Buffer.byteLength(text) > maxManifestBytes;
        for (const message of isTooLarge ? [tooLarge] : manifestExpectations(text))
          context.addIssue({ code: "custom", message });
      })
      .transform(flattenLists)
      .optional()
      .describe("YAML: objects of a CNI plugin with their names, which the first control plane creates"),
    baked: ManifestName.optional().describe("A manifest of the image, by `sprout image bake --network-manifest`"),
    ports: NetworkPorts.optional(),
    podSubnet: Cidr.optional().describe(
      "For all pods, a /24 of it for each node; 10.244.0.0/16 by default up to 256 nodes",
    ),
    serviceSubnet: Cidr.optional().describe("For all Services; 10.96.0.0/12 by default"),
  })
  .superRefine(
    ({ plugin, ...given }, context) => {
      const refuse = (field: string, message: string, got: string) =>
        context.addIssue({ code: "custom", path: [field], message, params: { got } });
      for (const field of ["manifest", "baked", "ports"] as const)
        if (plugin !== "manifest" && given[field] !== undefined)
          refuse(field, `${field} only with plugin "manifest"`, quoteValue(plugin));
      if (plugin !== "manifest") return;
      if (given.manifest === undefined && given.baked === undefined) refuse("manifest", "manifest or baked", "neither");
      if (given.manifest !== undefined && given.baked !== undefined) refuse("baked", "manifest or baked", "both");
    },
    { when: ({ value }) => typeof value === "object" && value !== null },
  )
  .meta({ id: "CreateNetwork", allOf: betweenFields });
export type CreateNetwork = z.infer<typeof CreateNetwork>;
