import { z } from "zod";
import { manifestProblems, maxManifestBytes } from "./manifest.ts";
import { Cidr, ManifestName, NetworkPorts } from "./network.ts";

/** `network` of `POST /v1/clusters`. A manifest is either given or baked into the image. */
export const CreateNetwork = z
  .strictObject({
    plugin: z.enum(["routes", "manifest"]).optional(),
    /** YAML: the objects of a CNI plugin, put in by the first control plane. Sealed at rest, and never answered again. */
    manifest: z
      .string()
      .max(maxManifestBytes)
      .superRefine((text, context) => {
        for (const message of manifestProblems(text)) context.addIssue({ code: "custom", message });
      })
      .optional(),
    /** Name of a manifest that `sprout image bake --network-manifest` has put into the image. */
    baked: ManifestName.optional(),
    /** What the manifest's plugin needs between nodes: they tell where it is blocked. */
    ports: NetworkPorts.optional(),
    podSubnet: Cidr.optional(),
    serviceSubnet: Cidr.optional(),
  })
  .superRefine(
    ({ plugin, manifest, baked, ports }, context) => {
      const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
      if (plugin !== "manifest") {
        if (manifest !== undefined) refuse("manifest", 'goes with plugin "manifest" only');
        if (baked !== undefined) refuse("baked", 'goes with plugin "manifest" only');
        if (ports !== undefined) refuse("ports", 'goes with plugin "manifest" only');
      } else if (manifest === undefined && baked === undefined) refuse("manifest", "is required unless baked is given");
      else if (manifest !== undefined && baked !== undefined) refuse("baked", "excludes manifest");
    },
    { when: ({ value }) => typeof value === "object" && value !== null },
  )
  .meta({ id: "CreateNetwork" });
export type CreateNetwork = z.infer<typeof CreateNetwork>;
