import { readdir } from "node:fs/promises";
import { below } from "../files.ts";
import { bakedManifests } from "../render/network-manifest.ts";
import type { Check } from "./check.ts";

/** The image holds the network manifest that the first control plane is to apply. */
export const checkNetworkManifest: Check = async ({ root, metadata: { network, peers } }) => {
  if (network.plugin !== "manifest" || network.baked === undefined || peers === undefined) return [];
  const names = await readdir(below(root, bakedManifests)).catch(noneWhereMissing);
  if (names.includes(network.baked)) return [];
  const there = names.length === 0 ? "it has none" : `it has: ${names.toSorted().join(", ")}`;
  return [`image: has no network manifest ${network.baked}, ${there}; bake it in with --network-manifest`];
};

function noneWhereMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
