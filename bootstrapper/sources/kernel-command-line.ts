import { X509Certificate } from "node:crypto";
import type { z } from "zod";
import { parseFields } from "#api/field-errors.ts";
import { MacAddress } from "#api/network.ts";
import { Capability, ServerUrl } from "#api/seed.ts";
import { shorten, toOneLine } from "#lib/quote-value.ts";
import { BootstrapError } from "../errors.ts";

/** The `sprout.*` options of the kernel command line, from which a machine booted over the network starts. */
export interface CommandLineSource {
  server: string;
  /** Empty once it is spent. */
  capability: string;
  /** PEM. */
  ca?: string;
  /** The interface that joins the cluster, if the machine booted from another one. */
  mac?: string;
  /** SHA-256 of the authority's DER, hexadecimal, if the whole certificate does not fit. */
  caSha256?: string;
}

/** Options for the initrd of Sprout's boot images, which checks them. */
const ofInitrd = ["do", "root", "root-sha512", "disk-gib", "report"];
const known = ["server", "ca", "ca-sha256", "capability", "cluster-mac", ...ofInitrd];

/**
 * Parses `sprout.server=URL sprout.ca=<base64url of the DER>|sprout.ca-sha256=<hex> sprout.capability=…
 * [sprout.cluster-mac=…]`. Returns undefined if there is no `sprout.*` for this program. A line that was kept lacks the
 * capability once it is spent. Throws BootstrapError with every problem at once.
 */
export function parseKernelCommandLine(text: string, { mayBeSpent = false } = {}): CommandLineSource | undefined {
  const pairs = text
    .trim()
    .split(/\s+/)
    .filter((word) => word.startsWith("sprout."))
    .map((word) => word.slice("sprout.".length).split(/=(.*)/s) as [string, string?]);
  if (pairs.every(([key]) => ofInitrd.includes(key))) return undefined;
  const values = new Map(pairs.map(([key, value = ""]) => [key, value]));
  const ca = toPem(values.get("ca"));
  const server = parseFields(ServerUrl, values.get("server"));
  const problems = [
    ...[...values.keys()]
      .filter((key) => !known.includes(key))
      .map((key) => `sprout.${toOneLine(shorten(key, 40))}: Unknown option`),
    ...known
      .filter((key) => pairs.filter(([name]) => name === key).length > 1)
      .map((key) => `sprout.${key}: Expected one value, got several`),
    ...(server.errors ?? []).map(({ detail }) => `sprout.server: ${detail}`),
    ...(mayBeSpent && !values.has("capability") ? [] : wrongValue("capability", Capability, values.get("capability"))),
    ...(values.has("cluster-mac") ? wrongValue("cluster-mac", MacAddress, values.get("cluster-mac")) : []),
    ...(values.has("ca") && ca === undefined ? ["sprout.ca: Expected a certificate (base64url of its DER)"] : []),
    ...(values.has("ca-sha256") && !/^[0-9a-f]{64}$/.test(values.get("ca-sha256") ?? "")
      ? ["sprout.ca-sha256: Expected 64 lower-case hexadecimal digits"]
      : []),
  ];
  if (server.data === undefined || problems.length > 0)
    throw new BootstrapError("invalid-input", `Cannot use kernel command line: ${problems.join("; ")}`);
  return {
    server: server.data,
    capability: values.get("capability") ?? "",
    ...(ca === undefined ? {} : { ca }),
    ...(values.has("cluster-mac") ? { mac: values.get("cluster-mac") ?? "" } : {}),
    ...(values.has("ca-sha256") ? { caSha256: values.get("ca-sha256") ?? "" } : {}),
  };
}

const wrongValue = (key: string, schema: z.ZodType, value: string | undefined) =>
  (parseFields(schema, value).errors ?? []).map(({ detail }) => `sprout.${key}: ${detail}`);

function toPem(base64url: string | undefined): string | undefined {
  if (!base64url) return undefined;
  try {
    return new X509Certificate(Buffer.from(base64url, "base64url")).toString();
  } catch {
    return undefined;
  }
}
