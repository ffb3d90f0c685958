import { InvalidArgumentError, Option, type Command } from "commander";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { defaultKubernetesVersion, supportedKubernetes, SupportedKubernetesVersion } from "#api/kubernetes-version.ts";
import { debianReleases, defaultDebianRelease, type DebianRelease } from "../../images/debian/sources.ts";
import { kubernetesSources, type OriginFlags } from "../../images/kubernetes/origin.ts";
import { containerdFlavours, type ContainerdFlavour } from "../../images/runtime/runtime-origin.ts";
import type { Environment } from "../environment.ts";

/** Adds the flags of every command that bakes: the Kubernetes version and where it comes from. */
export function addKubernetesOptions(command: Command, environment: Environment): Command {
  return command
    .option(
      "--kubernetes-version <VERSION>",
      `one of ${supportedKubernetes}`,
      parseKubernetesVersion,
      defaultKubernetesVersion,
    )
    .addOption(
      new Option(
        "--kubernetes-source <SOURCE>",
        "the official release, or Go modules compiled here; auto takes what is reachable",
      )
        .choices(kubernetesSources)
        .default(undefined, "auto"),
    )
    .option("--kubernetes-binaries <DIR>", "in place of a source: a folder with kubeadm, kubelet, etcd, coredns, …")
    .option("--kubernetes-release-url <URL>", "a mirror of https://dl.k8s.io/release", parseUrl)
    .option("--github-url <URL>", "a mirror of https://github.com, for containerd, crictl and CNI plugins", parseUrl)
    .option(
      "--image-repository <REPOSITORY>",
      "a mirror of registry.k8s.io, as kubeadm's imageRepository",
      parseRepository,
    )
    .option(
      "--ca-file <FILE>",
      "an authority to trust in addition to the host's (NODE_EXTRA_CA_CERTS)",
      environment.caFile,
    )
    .option("--registry-auth-file <FILE>", "credentials for the registry, as Docker's config.json")
    .option("--allow-plain-http", "download and pull without TLS, also from other hosts")
    .addOption(
      new Option("--debian <RELEASE>", "Debian release of the machines")
        .choices(Object.keys(debianReleases))
        .default(defaultDebianRelease),
    )
    .addOption(
      new Option("--containerd <WHOSE>", "containerd 2 of upstream, or Debian's package")
        .choices(containerdFlavours)
        .default("upstream"),
    );
}

export const bakeEnvironmentHelp = `  SPROUT_CACHE_DIR     the cache, in place of --cache-dir
  NODE_EXTRA_CA_CERTS  a further authority, in place of --ca-file
  SSL_CERT_FILE        the host's authorities (/etc/ssl/certs/ca-certificates.crt)
  GO                   the go program that compiles Kubernetes, in place of the one on the PATH`;

function parseKubernetesVersion(value: string): string {
  const { data, errors } = parseFields(SupportedKubernetesVersion, value, { mayQuote: () => true });
  if (errors) throw new InvalidArgumentError(formatFieldErrors(errors));
  return data;
}

function parseUrl(value: string): string {
  const url = URL.parse(value);
  // The image's manifest holds the URL, so it may hold no credentials.
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return value;
  throw new InvalidArgumentError("Expected an https URL without credentials");
}

/** A host with a dot or a port, and a path: https://pkg.go.dev/github.com/distribution/reference. */
function parseRepository(value: string): string {
  if (
    /^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:)|\[[0-9a-f:]+\])(:\d{1,5})?(\/[a-z0-9._-]+)*\/?$/.test(value)
  )
    return value;
  throw new InvalidArgumentError("Expected HOST[:PORT][/PATH], such as registry.example.com/k8s");
}

export interface KubernetesFlags extends OriginFlags {
  debian: DebianRelease;
  containerd: ContainerdFlavour;
}
