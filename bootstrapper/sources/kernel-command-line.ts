import { X509Certificate } from "node:crypto";
import type { z } from "zod";
import { MacAddress } from "#api/network.ts";
import { Capability, ServerUrl } from "#api/seed.ts";
import { BootstrapError } from "../errors.ts";

/** What `sprout.*` on the kernel command line says; a machine booted over the network starts from it. */
export interface CommandLineSource {
  server: string;
  capability: string;
  /** PEM. */
  ca?: string;
  /** Of the interface that takes part in the cluster, where it is not the one that the machine booted from. */
  mac?: string;
  /** SHA-256 of the authority's DER, hexadecimal, where the whole certificate does not fit. */
  caSha256?: string;
}

/** What the initrd of Sprout's own boot images is told; checked there. */
const ofInitrd = ["do", "root", "root-sha512", "disk-gib", "report"];
const known = ["server", "ca", "ca-sha256", "capability", "cluster-mac", ...ofInitrd];

/**
 * `sprout.server=URL sprout.ca=<base64url of the DER>|sprout.ca-sha256=<hex> sprout.capability=… [sprout.cluster-mac=…]`
 * Returns undefined where there is no `sprout.*` at all. Throws BootstrapError with every problem at once.
 */
export function parseKernelCommandLine(text: string): CommandLineSource | undefined {
  const pairs = text
    .trim()
    .split(/\s+/)
    .filter((word) => word.startsWith("sprout."))
    .map((word) => word.slice("sprout.".length).split(/=(.*)/s) as [string, string?]);
  if (pairs.every(([key]) => ofInitrd.includes(key))) return undefined;
  const values = new Map(pairs.map(([key, value = ""]) => [key, value]));
  const ca = toPem(values.get("ca"));
  const problems = [
    ...[...values.keys()].filter((key) => !known.includes(key)).map((key) => `sprout.${key} is unknown`),
    ...known
      .filter((key) => pairs.filter(([name]) => name === key).length > 1)
      .map((key) => `sprout.${key} is given twice`),
    ...wrongValue("server", ServerUrl, values.get("server")),
    ...wrongValue("capability", Capability, values.get("capability")),
    ...(values.has("cluster-mac") ? wrongValue("cluster-mac", MacAddress, values.get("cluster-mac")) : []),
    ...(values.has("ca") && ca === undefined ? ["sprout.ca must be a certificate (base64url of its DER)"] : []),
    ...(values.has("ca-sha256") && !/^[0-9a-f]{64}$/.test(values.get("ca-sha256") ?? "")
      ? ["sprout.ca-sha256 must be 64 lower-case hexadecimal digits"]
      : []),
  ];
  if (problems.length > 0)
    throw new BootstrapError("invalid-input", `Cannot use kernel command line: ${problems.join("; ")}`);
  return {
    server: values.get("server") ?? "",
    capability: values.get("capability") ?? "",
    ...(ca === undefined ? {} : { ca }),
    ...(values.has("cluster-mac") ? { mac: values.get("cluster-mac") ?? "" } : {}),
    ...(values.has("ca-sha256") ? { caSha256: values.get("ca-sha256") ?? "" } : {}),
  };
}

const wrongValue = (key: string, schema: z.ZodType, value = "") =>
  (schema.safeParse(value).error?.issues ?? []).map(({ message }) => `sprout.${key} ${message}`);

function toPem(base64url: string | undefined): string | undefined {
  if (!base64url) return undefined;
  try {
    return new X509Certificate(Buffer.from(base64url, "base64url")).toString();
  } catch {
    return undefined;
  }
}
