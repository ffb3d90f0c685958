import { readImageManifest } from "../image-manifest.ts";
import type { Origin } from "../origin.ts";
import type { UserDataSource } from "../sources/discover.ts";
import { readClusterPki } from "./cluster-pki.ts";
import { parseUserData } from "./document.ts";
import { type Resolver, resolveNames } from "./resolve-names.ts";
import { toMetadata } from "./to-metadata.ts";

/** Document and credentials from what came with the machine. Nobody hears its reports but console and journal. */
export function createUserDataOrigin(
  { userData: text, where, sha256, url }: UserDataSource,
  { root, resolver }: { root: string; resolver: Resolver },
): Origin {
  const parse = () => parseUserData(text, `user-data of ${where}`);
  return {
    record: { kind: "user-data", sha256, ...(url === undefined ? {} : { url: url.href }) },
    url,
    async metadata(signal) {
      const userData = parse();
      const { kubernetesVersion } = await readImageManifest(root);
      const addresses = await resolveNames(userData, { resolver, signal });
      return toMetadata({ userData, sha256, addresses, kubernetesVersion });
    },
    async claim(allocation, signal) {
      const userData = parse();
      const pki = await readClusterPki(userData, { root, signal });
      if (pki.role === "worker") return { ...pki, allocation };
      return { ...pki, allocation, etcdDomain: userData.etcdDomain };
    },
    clockOffsetMs: () => undefined,
    close: () => undefined,
  };
}
