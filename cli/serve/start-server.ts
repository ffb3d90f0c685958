import { join } from "node:path";
import type { Config } from "../../metadata-server/config.ts";
import { createExternalProvider } from "../../metadata-server/providers/external/external-provider.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../metadata-server/serve.ts";

/** Starts the server with the providers that the configuration asks for. */
export async function startWithProviders(
  config: Config,
  options: Pick<ServerOptions, "logger" | "ephemeral">,
): Promise<RunningServer> {
  const nspawn = createNspawnProvider({
    imagesDir: join(config.cacheDir, "images"),
    machinesDir: join(config.dataDir, "machines"),
    network: config.nspawnSubnet,
    serverPort: config.port,
  });
  const { externalServerUrl: serverUrl, externalKubernetesVersions: kubernetesVersions } = config;
  const external = serverUrl && kubernetesVersions && createExternalProvider({ serverUrl, kubernetesVersions });
  const ec2 = config.ec2Region !== null && (await openEc2(config, options));
  return startServer(config, { ...options, providers: [nspawn, ec2, external].filter((each) => !!each) });
}

/** Loaded only if it is used: AWS's SDK takes as long to load as all the rest. */
async function openEc2(config: Config, { logger }: Pick<ServerOptions, "logger">) {
  const { openEc2Provider } = await import("../../metadata-server/providers/ec2/open-ec2-provider.ts");
  return openEc2Provider(config, logger);
}
