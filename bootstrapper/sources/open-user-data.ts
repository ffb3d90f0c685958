import type { ClusterPki } from "#api/cluster-pki.ts";
import { checkCredentials } from "../check/check-credentials.ts";
import { readImageManifest } from "../machine/image-manifest.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import type { OpenSource } from "../open-source.ts";
import type { UserDataSource } from "./source.ts";
import { readClusterPki } from "../user-data/cluster-pki.ts";
import { parseUserData } from "../user-data/document.ts";
import { type Resolver, resolveNames } from "../user-data/resolve-names.ts";
import { toMetadata } from "../user-data/to-metadata.ts";

/** Makes document and credentials from what came with the machine. Its reports go to console and journal only. */
export function openUserData(
  { userData: text, where, sha256, url }: UserDataSource,
  { root, resolver }: { root: string; resolver: Resolver },
): OpenSource {
  let pki: Promise<ClusterPki> | undefined;
  const parse = () => parseUserData(text, `user-data of ${where}`);
  async function claim(allocation: string, signal: AbortSignal): Promise<NodeCredentials> {
    const userData = parse();
    pki ??= readClusterPki(userData, { root, signal });
    const found = await pki;
    return found.role === "worker"
      ? { ...found, allocation }
      : { ...found, allocation, etcdDomain: userData.etcdDomain };
  }
  return {
    record: { kind: "user-data", sha256, ...(url === undefined ? {} : { url: url.href }) },
    url,
    async metadata(signal) {
      const userData = parse();
      const { kubernetesVersion } = await readImageManifest(root);
      const addresses = await resolveNames(userData, { resolver, signal });
      return toMetadata({ userData, sha256, addresses, kubernetesVersion });
    },
    async check(metadata, signal) {
      checkCredentials(await claim(metadata.allocation, signal), { metadata, now: Date.now() });
    },
    claim,
    clockOffsetMs: () => undefined,
    close: () => undefined,
  };
}
