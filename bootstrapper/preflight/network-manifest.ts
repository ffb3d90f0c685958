import { listFolder } from "#lib/files.ts";
import { below } from "../machine/files.ts";
import { bakedManifests } from "../render/network-manifest.ts";
import type { Check } from "./check.ts";

/** Checks that the image holds the network manifest that the first control plane will apply. */
export const checkNetworkManifest: Check = async ({ root, metadata: { network, peers } }) => {
  if (network.plugin !== "manifest" || network.baked === undefined || peers === undefined) return [];
  const names = await listFolder(below(root, bakedManifests));
  if (names.includes(network.baked)) return [];
  const there = names.length === 0 ? "it has none" : `it has: ${names.toSorted().join(", ")}`;
  return [`image: has no network manifest ${network.baked}, ${there}; bake it in with --network-manifest`];
};
