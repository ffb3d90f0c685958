import { InvalidArgumentError, Option, type Command } from "commander";
import { defaultKubernetesVersion, isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import { KubernetesVersion } from "#api/name.ts";
import { debianReleases, defaultDebianRelease, type DebianRelease } from "../../../images/debian/sources.ts";
import { kubernetesSources, type OriginFlags } from "../../../images/kubernetes/origin.ts";
import { containerdFlavours, type ContainerdFlavour } from "../../../images/runtime/runtime-origin.ts";
import type { Environment } from "../environment.ts";

/** What chooses a Kubernetes version and where it comes from, for every command that bakes. */
export function addKubernetesOptions(command: Command, environment: Environment): Command {
  return command
    .option("--kubernetes-version <VERSION>", supportedKubernetes, parseKubernetesVersion, defaultKubernetesVersion)
    .addOption(
      new Option(
        "--kubernetes-source <SOURCE>",
        "the official release, or Go modules compiled here; auto: what is there",
      )
        .choices(kubernetesSources)
        .default(undefined, "auto"),
    )
    .option("--kubernetes-binaries <DIR>", "neither: a folder with kubeadm, kubelet, etcd, coredns, …")
    .option("--kubernetes-release-url <URL>", "a mirror of https://dl.k8s.io/release", parseUrl)
    .option("--github-url <URL>", "a mirror of https://github.com, for containerd, crictl and CNI plugins", parseUrl)
    .option(
      "--image-repository <REPOSITORY>",
      "a mirror of registry.k8s.io, as kubeadm's imageRepository",
      parseRepository,
    )
    .option("--ca-file <FILE>", "an authority to trust beside the host's (NODE_EXTRA_CA_CERTS)", environment.caFile)
    .option("--registry-auth-file <FILE>", "credentials for the registry, as Docker's config.json")
    .option("--allow-plain-http", "download and pull without TLS from other hosts than this one too")
    .addOption(
      new Option("--debian <RELEASE>", "Debian's release on the machines")
        .choices(Object.keys(debianReleases))
        .default(defaultDebianRelease),
    )
    .addOption(
      new Option("--containerd <WHOSE>", "containerd 2 as upstream releases it, or Debian's package")
        .choices(containerdFlavours)
        .default("upstream"),
    );
}

export function parseKubernetesVersion(value: string): string {
  const result = KubernetesVersion.safeParse(value);
  if (!result.success) throw new InvalidArgumentError(result.error.issues[0]?.message ?? "is not a version");
  if (!isSupportedKubernetes(value))
    throw new InvalidArgumentError(`is not supported; supported are ${supportedKubernetes}`);
  return result.data;
}

function parseUrl(value: string): string {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError("must be an https URL");
  // It is written into the image's manifest.
  if (url.username !== "" || url.password !== "") throw new InvalidArgumentError("must not hold credentials");
  return value;
}

/** https://pkg.go.dev/github.com/distribution/reference: a host, which has a dot or a port, and a path. */
function parseRepository(value: string): string {
  if (
    /^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:)|\[[0-9a-f:]+\])(:\d{1,5})?(\/[a-z0-9._-]+)*\/?$/.test(value)
  )
    return value;
  throw new InvalidArgumentError("must be HOST[:PORT][/PATH], such as registry.example.com/k8s");
}

export interface KubernetesFlags extends OriginFlags {
  debian: DebianRelease;
  containerd: ContainerdFlavour;
}
