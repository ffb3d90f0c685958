import type { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../machine/files.ts";
import type { RenderInput } from "./render-input.ts";

/** The image's network manifests, by name (`sprout image bake --network-manifest`). */
export const bakedManifests = "/usr/share/sprout/templates/networks";
const givenManifest = "/etc/kubernetes/network.yaml";

/** Returns the path of the manifest that the first control plane applies. */
export function networkManifestFile({ network }: Pick<NodeMetadata, "network">): string {
  return network.plugin === "manifest" && network.baked !== undefined
    ? `${bakedManifests}/${network.baked}`
    : givenManifest;
}

/** Returns the manifest that was given with the cluster, unchanged: it is no template, and may hold secrets. */
export function networkManifestFiles({ metadata, credentials }: RenderInput): NodeFile[] {
  const { network, peers } = metadata;
  if (network.plugin !== "manifest" || network.baked !== undefined || peers === undefined) return [];
  const content = "networkManifest" in credentials ? credentials.networkManifest : undefined;
  if (content === undefined)
    throw new BootstrapError("invalid-input", "Cannot render network: the credentials lack networkManifest");
  return [{ path: givenManifest, content, mode: 0o600, secret: true }];
}
