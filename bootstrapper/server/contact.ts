import { BootstrapError } from "../errors.ts";
import { readHardware } from "../hardware.ts";
import type { ServerSource } from "../sources/discover.ts";
import { createMetadataServer, type MetadataServer } from "./metadata-server.ts";
import { resolveTrust } from "./trust.ts";

export interface ContactOptions {
  root: string;
  inContainer: boolean;
  signal: AbortSignal;
  /** Of an earlier run. */
  reportToken?: string | undefined;
  isSpent?: boolean;
}

/** A client of the server that the source names. Throws BootstrapError. */
export async function contactServer(source: ServerSource, options: ContactOptions): Promise<MetadataServer> {
  const { root, inContainer, signal, reportToken, isSpent = false } = options;
  const { server: url, capability, mac, address, instanceIdentity, trust } = source;
  const hardware = await readHardware({ root, inContainer, mac, address, instanceIdentity });
  if (hardware.macs.length === 0)
    throw new BootstrapError("invalid-input", "Cannot identify this machine: no network interface has a MAC address");
  const ca = await resolveTrust(trust, new URL(url), signal);
  return createMetadataServer({ url, ca, capability, reportToken, isSpent, hardware });
}
