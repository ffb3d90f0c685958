import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { createAuthorities } from "./authorities.ts";
import { dayMs } from "./certificate.ts";
import type { MintRequest } from "./mint.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";

/** Real time, because openssl and kubeadm judge certificates by it. */
export const now = Date.now();

export const createTestAuthorities = () => createAuthorities({ now, lifetimeMs: 365 * dayMs });

export const controlPlane: MintRequest = {
  role: "control-plane",
  allocation: "a-aaaaaaaaaaaaaaaa",
  name: "cp01.build126.test",
  address: "10.77.0.11",
  endpointHost: "api.build126.test",
  serviceSubnet: "10.96.0.0/12",
  kubernetesVersion: defaultKubernetesVersion,
  withRouteAgent: true,
  now,
  notAfter: now + 60 * dayMs,
};
export const worker: MintRequest = {
  ...controlPlane,
  role: "worker",
  allocation: "a-bbbbbbbbbbbbbbbb",
  name: "node01.build126.test",
  address: "10.77.0.21",
};

/** Certificates know no fractions of a second. */
export const toSecond = (epochMs: number) => Math.floor(epochMs / 1000) * 1000;

export const alternativeNamesOf = (certificate: string) =>
  new X509Certificate(certificate).subjectAltName?.split(", ") ?? [];

/** What `openssl x509` prints, options after `-noout`. */
export async function opensslPrint(certificate: string, ...options: string[]): Promise<string> {
  const { stdout } = await execa("openssl", ["x509", "-noout", ...options], { input: certificate });
  return stdout;
}

/** "stdin: OK", or throws with openssl's words, whether the certificate is good for this purpose under this authority. */
export async function opensslVerify(
  certificate: string,
  { ca, purpose }: { ca: string; purpose: "sslserver" | "sslclient" },
): Promise<string> {
  const caFile = join(await temporaryFolder("pki"), "ca.crt");
  await writeFile(caFile, ca);
  const { stdout } = await execa(
    "openssl",
    ["verify", "-x509_strict", "-no-CApath", "-CAfile", caFile, "-purpose", purpose],
    { input: certificate },
  );
  return stdout;
}
