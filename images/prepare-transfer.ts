import { debianAuthorities, writeCertificateBundle } from "./certificate-bundle.ts";
import { ensureHostPackages } from "./debian/host-packages.ts";
import type { KubernetesOrigin } from "./kubernetes/origin.ts";
import { checkAuthFile, type PullOptions } from "./pull-image.ts";

/** curl handles proxies and resumption, skopeo pulls without a container engine. Debian keeps both up to date. */
const transferPackages = ["ca-certificates", "curl", "skopeo"];

/**
 * Installs what downloads need on this host, and returns the options that both tools share. Does nothing without
 * downloads.
 */
export async function prepareTransfer(
  origin: KubernetesOrigin,
  {
    folder,
    hostAuthorities = debianAuthorities,
    signal,
  }: { folder: string; hostAuthorities?: string; signal: AbortSignal },
): Promise<Omit<PullOptions, "signal">> {
  if (origin.kind !== "release") return {};
  const { caFile, registryAuthFile, allowPlainHttp = false } = origin;
  if (registryAuthFile !== undefined) await checkAuthFile(registryAuthFile);
  const trust =
    caFile === undefined ? {} : { caBundle: await writeCertificateBundle(folder, { caFile, hostAuthorities }) };
  await ensureHostPackages(transferPackages, { signal });
  return { ...trust, allowPlainHttp, ...(registryAuthFile === undefined ? {} : { registryAuthFile }) };
}
