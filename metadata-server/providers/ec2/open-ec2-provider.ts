import { hkdfSync, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toServerUrl } from "#lib/server-url.ts";
import type { Logger } from "../../logger.ts";
import { loadServerKey } from "../../pki/server-key.ts";
import { isUnreachable } from "./ec2-errors.ts";
import type { Ec2Options } from "./ec2-options.ts";
import { createEc2Provider, type Ec2Provider } from "./ec2-provider.ts";
import type { Ec2Settings } from "./ec2-settings.ts";

interface Ec2Config extends Ec2Options {
  dataDir: string;
  hostName: string;
  port: number;
}

/**
 * Opens the configured provider after EC2 has accepted every setting; undefined if none is configured. If EC2 cannot be
 * reached, only logs that, so that existing clusters are served.
 */
export async function openEc2Provider(config: Ec2Config, logger: Logger): Promise<Ec2Provider | undefined> {
  const settings = await toEc2Settings(config);
  if (settings === undefined) return undefined;
  const provider = createEc2Provider(settings);
  const { region, installation } = settings;
  logger.info("Launching EC2 instances", { region, installation });
  await provider.check().catch((error: Error) => {
    if (!isUnreachable(error.cause)) throw error;
    logger.warn("Cannot reach EC2; serving existing clusters", { region, error: error.message });
  });
  return provider;
}

async function toEc2Settings(config: Ec2Config): Promise<Ec2Settings | undefined> {
  const { ec2Region: region, ec2Images: images, ec2Subnets: subnets, ec2SecurityGroups: securityGroups } = config;
  const { ec2InstanceTypes: workerTypes, ec2IdentityCertificates: certificatesFile } = config;
  // With a region, checkEc2Options has made sure of all of them.
  if (!region || !images || !subnets || !securityGroups || !workerTypes || !certificatesFile) return undefined;
  return {
    region,
    endpoint: config.ec2Endpoint ?? undefined,
    images,
    subnets,
    securityGroups,
    instanceTypes: { "control-plane": config.ec2ControlPlaneInstanceTypes ?? workerTypes, worker: workerTypes },
    nodePoolInstanceTypes: config.ec2NodePoolInstanceTypes ?? [],
    instanceProfile: config.ec2InstanceProfile ?? undefined,
    spot: config.ec2Spot,
    identityCertificates: await readCertificates(certificatesFile),
    serverUrl: config.ec2ServerUrl ?? toServerUrl(config.hostName, config.port),
    installation: toInstallation(await loadServerKey(join(config.dataDir, "server.key"))),
  };
}

/** Derived from the server's key: as stable and as unique as it. */
const toInstallation = (serverKey: Buffer) =>
  Buffer.from(hkdfSync("sha256", serverKey, "", "ec2-installation", 8)).toString("hex");

const isRsa = (pem: string) => new X509Certificate(pem).publicKey.asymmetricKeyType === "rsa";

async function readCertificates(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((cause: Error) => {
    throw new Error(`Cannot configure EC2: cannot read --ec2-identity-certificates: ${cause.message}`, { cause });
  });
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const rsa = found.filter(isRsa);
    if (rsa.length > 0) return rsa;
  } catch (cause) {
    throw new Error(`Cannot configure EC2: ${file} holds a certificate that cannot be read`, { cause });
  }
  throw new Error(
    `Cannot configure EC2: ${file} holds no RSA certificate in PEM; DSA certificates belong to another signature than the one that is verified here`,
  );
}
