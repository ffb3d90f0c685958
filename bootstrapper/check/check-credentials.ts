import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Credentials } from "#api/credentials.ts";
import { BootstrapError } from "../errors.ts";
import { isLaunchCredentials, type LaunchCredentials, type NodeCredentials } from "../node-credentials.ts";

interface CheckOptions {
  metadata: NodeMetadata;
  /** Milliseconds by the server's clock; preflight checks this machine's own. */
  now: number;
}

/** A certificate with its key and its authority's certificate. */
interface Signed {
  pointer: string;
  certificate: string;
  key: string;
  authority: string;
}

/**
 * Checks what the schema cannot: the credentials are for this node; every certificate is valid, signed by the authority
 * in the document, and matches its key. Throws BootstrapError `invalid-input` with every problem at once. It quotes no
 * value.
 */
export function checkCredentials(credentials: NodeCredentials, { metadata, now }: CheckOptions): void {
  refuseOthers(credentials, metadata);
  const problems = [
    ...signedOf(credentials).flatMap((signed) => signedProblems(signed, now)),
    ...(isLaunchCredentials(credentials)
      ? unkeyedProblems(credentials, now)
      : kubeletProblems(credentials.kubelet, metadata)),
  ];
  if (problems.length > 0) throw unusable(problems.join("; "));
}

/** Refuses another node's credentials before it checks anything else in them. */
function refuseOthers(credentials: NodeCredentials, { allocation, self, join }: NodeMetadata): void {
  if (credentials.allocation !== allocation)
    throw unusable(`they are for ${credentials.allocation}, this is ${allocation}`);
  if (credentials.role !== self.role) throw unusable(`they are for a ${credentials.role}, this is a ${self.role}`);
  if (credentials.role === "worker" && "join" in credentials && credentials.join !== join)
    throw unusable(`they are for a join by ${credentials.join}, the metadata says ${join}`);
}

function signedOf(credentials: NodeCredentials): Signed[] {
  if (isLaunchCredentials(credentials)) return signedFiles(credentials.pki);
  const { pki, kubelet, networkAgent } = credentials;
  const authority = pki["ca.crt"];
  const pairs = {
    ...Object.fromEntries(Object.entries(kubelet).map(([name, pair]) => [`/kubelet/${name}`, pair])),
    ...(networkAgent === undefined ? {} : { "/networkAgent": networkAgent }),
    ...("bootstrap" in credentials ? { "/bootstrap": credentials.bootstrap } : {}),
    ...("kubeconfigs" in credentials
      ? Object.fromEntries(
          Object.entries(credentials.kubeconfigs).map(([name, pair]) => [`/kubeconfigs/${name}`, pair]),
        )
      : {}),
  };
  const signed = Object.entries(pairs).map(([pointer, pair]) => ({ pointer, ...pair, authority }));
  return [...signedFiles(pki), ...signed];
}

/** Returns the certificates that have a key in the document. */
function signedFiles(files: Partial<Record<string, string>>): Signed[] {
  return Object.keys(files)
    .filter((file) => file.endsWith(".crt") && files[file.replace(/crt$/, "key")] !== undefined)
    .map((file) => ({
      pointer: `/pki/${file.replaceAll("/", "~1")}`,
      certificate: files[file] ?? "",
      key: files[file.replace(/crt$/, "key")] ?? "",
      authority: files[authorityOf(file)] ?? "",
    }));
}

/**
 * Signs what, as kubeadm does it (https://kubernetes.io/docs/setup/best-practices/certificates/). An authority signs
 * itself.
 */
function authorityOf(file: string): string {
  if (file.startsWith("etcd/") || file.startsWith("apiserver-etcd")) return "etcd/ca.crt";
  return file.startsWith("front-proxy") ? "front-proxy-ca.crt" : "ca.crt";
}

function signedProblems({ pointer, ...pem }: Signed, now: number): string[] {
  const certificate = parsed(() => new X509Certificate(pem.certificate));
  const key = parsed(() => createPrivateKey(pem.key));
  const authority = parsed(() => new X509Certificate(pem.authority));
  if (certificate === undefined) return lifetimeProblems(pointer, certificate, now);
  return [
    ...(key === undefined ? [`${pointer}: its key is not a private key`] : keyProblems(pointer, certificate, key)),
    ...(authority !== undefined && certificate.verify(authority.publicKey)
      ? []
      : [`${pointer}: is not signed by its authority`]),
    ...lifetimeProblems(pointer, certificate, now),
  ];
}

function lifetimeProblems(pointer: string, certificate: X509Certificate | undefined, now: number): string[] {
  if (certificate === undefined) return [`${pointer}: is not a certificate`];
  return [
    ...(now < certificate.validFromDate.getTime() ? [`${pointer}: is not valid before ${certificate.validFrom}`] : []),
    ...(now > certificate.validToDate.getTime() ? [`${pointer}: expired on ${certificate.validTo}`] : []),
  ];
}

/** Checks a worker's authority, which comes without its key. */
function unkeyedProblems({ role, pki }: LaunchCredentials, now: number): string[] {
  if (role === "control-plane") return [];
  return lifetimeProblems(
    "/pki/ca.crt",
    parsed(() => new X509Certificate(pki["ca.crt"])),
    now,
  );
}

const keyProblems = (pointer: string, certificate: X509Certificate, key: KeyObject) =>
  certificate.checkPrivateKey(key) ? [] : [`${pointer}: its key belongs to another certificate`];

/** The Node authorizer goes by this subject. A kubelet with any other name has no rights. */
function kubeletProblems(kubelet: Credentials["kubelet"], { self }: NodeMetadata): string[] {
  const client = "client" in kubelet ? parsed(() => new X509Certificate(kubelet.client.certificate)) : undefined;
  const serving = parsed(() => new X509Certificate(kubelet.serving.certificate));
  const subject = `O=system:nodes\nCN=system:node:${self.name}`;
  return [
    ...(client !== undefined && client.subject !== subject ? [`/kubelet/client: is not for ${self.name}`] : []),
    ...(serving !== undefined && serving.checkHost(self.name) === undefined
      ? [`/kubelet/serving: is not for ${self.name}`]
      : []),
    ...(serving !== undefined && serving.checkIP(self.address) === undefined
      ? [`/kubelet/serving: is not for ${self.address}`]
      : []),
  ];
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

const unusable = (why: string) => new BootstrapError("invalid-input", `Cannot use credentials: ${why}`);
