import { InvalidArgumentError, type Command } from "commander";
import { isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import { KubernetesVersion } from "#api/name.ts";
import type { OriginFlags } from "../../../images/kubernetes/origin.ts";
import type { Environment } from "../environment.ts";

const defaultKubernetesVersion = "v1.20.2";

/** What chooses a Kubernetes version and where it comes from, for every command that bakes. */
export function addKubernetesOptions(command: Command, environment: Environment): Command {
  return command
    .option("--kubernetes-version <VERSION>", supportedKubernetes, parseKubernetesVersion, defaultKubernetesVersion)
    .option(
      "--kubernetes-binaries <DIR>",
      "a folder with kubeadm, kubelet, …, instead of Debian's source or the release",
    )
    .option("--kubernetes-release-url <URL>", "a mirror of https://dl.k8s.io/release, for any version", parseUrl)
    .option(
      "--image-repository <REPOSITORY>",
      "a mirror of registry.k8s.io, as kubeadm's imageRepository",
      parseRepository,
    )
    .option("--ca-file <FILE>", "an authority to trust beside the host's (NODE_EXTRA_CA_CERTS)", environment.caFile)
    .option("--registry-auth-file <FILE>", "credentials for the registry, as Docker's config.json")
    .option("--allow-plain-http", "download and pull without TLS from other hosts than this one too");
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

export type KubernetesFlags = OriginFlags;
