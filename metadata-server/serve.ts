import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { isBackDoor } from "./back-door.ts";
import { createBootAssets } from "./boot/boot-assets.ts";
import { createBootstrapperExecutables } from "./cloud-init/bootstrapper-executables.ts";
import { createBackground } from "./clusters/background.ts";
import { systemClock } from "./clusters/clock.ts";
import { watchDeadlines } from "./clusters/deadlines.ts";
import type { ClusterDependencies } from "./clusters/dependencies.ts";
import { createToken } from "./clusters/identifiers.ts";
import { watchDeleted } from "./clusters/purge.ts";
import { reconcile } from "./clusters/reconcile.ts";
import { createRefusalLimiter } from "./clusters/refusals.ts";
import { watchMachines } from "./clusters/watch-machines.ts";
import type { Config } from "./config.ts";
import { startDhcp, toDhcpOptions } from "./dhcp/serve-dhcp.ts";
import { createApp } from "./http/app.ts";
import type { HttpDependencies } from "./http/dependencies.ts";
import { createMetrics } from "./http/metrics.ts";
import { createPlainApp } from "./http/plain-app.ts";
import { listen } from "./listen.ts";
import { filterLogger, type Logger } from "./logger.ts";
import { createOpenPowerDriver } from "./machines/open-power-driver.ts";
import { createPrivateFile, isMissing, readPrivateFile } from "./pki/private-file.ts";
import { loadServerKey } from "./pki/server-key.ts";
import { loadServerTls, type ServerTls } from "./pki/server-tls.ts";
import { type BareMetalOptions, createBareMetalProvider } from "./providers/bare-metal/bare-metal-provider.ts";
import { listBootImages } from "./boot/boot-images.ts";
import type { MachineProvider } from "./providers/provider.ts";
import { openRedisStore } from "./store/redis/redis-store.ts";
import { openSqliteStore } from "./store/sqlite/sqlite-store.ts";
import type { Store } from "./store/store.ts";

export interface RunningServer {
  url: string;
  /** Of the cluster API. */
  token: string;
  /** PEM file of the authority to pin. */
  caFile: string;
  /** Lets requests end; machines go on without the server. */
  close(): Promise<void>;
  /** The same, and everything that the store holds is gone. */
  erase(): Promise<void>;
}

export interface ServerOptions {
  logger: Logger;
  providers: readonly MachineProvider[];
  /** Its store is to be erased in the end, so it takes none that is to be kept. */
  ephemeral?: boolean;
  /** By default the store that the configuration names. */
  openStore?: typeof openConfiguredStore;
}

/** Opens what is kept in `config.dataDir` (made on first start), finishes what the last run left, then serves. */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const { providers, ephemeral = false, openStore = openConfiguredStore } = options;
  const logger = filterLogger(options.logger, config.logLevel);
  const clock = systemClock;
  const token = await loadToken(config.tokenFile);
  const serverKey = await loadServerKey(join(config.dataDir, "server.key"));
  const tlsDirectory = join(config.dataDir, "tls");
  const tls = await loadServerTls({ directory: tlsDirectory, ...serverNames(config), now: clock.now() });
  const store = await openStore(config, { logger, ephemeral });
  const background = createBackground(logger);
  const metrics = createMetrics(store);
  const stopping = new AbortController();
  const serverKeys = [serverKey];
  const openPowerDriver = createOpenPowerDriver({ store, serverKeys, clock });
  const clusters: ClusterDependencies = {
    store,
    providers: toMap([...providers, ...inventoryProviders(config, { store, clock, logger, openPowerDriver })]),
    serverKeys,
    ca: tls.ca,
    baseDomain: config.baseDomain,
    plainHttpPort: config.httpListen?.port,
    clock,
    random: randomBytes,
    background,
    refusals: createRefusalLimiter(),
    deletedRetentionMs: config.deletedRetentionSeconds * 1000,
    observer: metrics.observer,
    logger,
  };
  const stop = async (leave: () => Promise<void>) => {
    stopping.abort();
    await background.close();
    await leave();
  };
  try {
    await reconcile(clusters);
    background.start("deadlines", (signal) => watchDeadlines(clusters, signal));
    background.start("machines", (signal) => watchMachines(clusters, signal));
    background.start("purge", (signal) => watchDeleted(clusters, signal));
    const http = { clusters, openPowerDriver, apiToken: token, metrics, stopping: stopping.signal };
    const listeners = await listenOnAll(config, { tls, http });
    const host = config.listenAddress === "0.0.0.0" ? "127.0.0.1" : config.listenAddress;
    const url = `https://${host}:${config.port}`;
    logger.info("Serving", { url });
    if (config.httpListen) logger.info("Serving plain HTTP", { ...config.httpListen });
    let ended: Promise<void> | undefined;
    const end = (leave: () => Promise<void>) => {
      stopping.abort();
      ended ??= Promise.all(listeners.map((listener) => listener.close())).then(() => stop(leave));
      return ended;
    };
    return {
      url,
      token,
      caFile: tls.caFile,
      close: () => end(store.close),
      erase: () => end(store.erase),
    };
  } catch (error) {
    await stop(store.close);
    throw error;
  }
}

export function openConfiguredStore(
  config: Config,
  { logger, ephemeral }: { logger: Logger; ephemeral: boolean },
): Promise<Store> {
  const common = { now: () => systemClock.now(), maxAuditEntries: config.auditEntries, logger };
  if (config.store === null) return openSqliteStore({ file: config.databaseFile, ...common });
  return openRedisStore({ target: config.store, ephemeral, ...common });
}

const toMap = (providers: readonly MachineProvider[]) =>
  new Map(providers.map((provider) => [provider.name, provider]));

/** Machines of one's own come by the plain surface, or not at all. */
function inventoryProviders(
  { httpListen, hostName, port, cacheDir }: Config,
  deps: Pick<BareMetalOptions, "store" | "clock" | "logger" | "openPowerDriver">,
): MachineProvider[] {
  if (httpListen === null) return [];
  const host = httpListen.address === "0.0.0.0" ? hostName : httpListen.address;
  const kubernetesVersions = () => listBootImages(join(cacheDir, "images"));
  return [createBareMetalProvider({ ...deps, kubernetesVersions, serverUrl: `https://${host}:${port}` })];
}

/** The API, and where they are asked for the plain surface of firmware and cloud-init, and DHCP. */
async function listenOnAll(config: Config, { tls, http }: { tls: ServerTls; http: HttpDependencies }) {
  const refuses = (connection: Socket) => isBackDoor(connection, config);
  const { listenAddress: address, port } = config;
  const open: { close(): Promise<void> }[] = [
    await listen({ address, port }, { fetch: createApp(http).fetch, tls, refuses }),
  ];
  try {
    if (config.httpListen !== null) {
      const assets = createBootAssets({ imagesDir: join(config.cacheDir, "images"), ipxeDir: config.ipxeDir });
      const executables = createBootstrapperExecutables(join(config.cacheDir, "bootstrapper"));
      // Their checksums are kept: else the first machine would wait for them.
      await executables.list();
      const { names, addresses } = serverNames(config);
      const own = { apiPort: config.port, hosts: [...names, ...addresses] };
      const plain = createPlainApp({ ...http, assets, executables, ...own });
      open.push(await listen(config.httpListen, { fetch: plain.fetch, refuses }));
    }
    const dhcp = await startDhcp(config, http.clusters.logger);
    return dhcp === undefined ? open : [...open, dhcp];
  } catch (error) {
    await Promise.all(open.map((one) => one.close()));
    throw error;
  }
}

const isAddress = (name: string) => /^\d+(\.\d+){3}$/.test(name);

function serverNames(config: Config) {
  const { hostName, listenAddress, httpListen, nspawnServerAddress, serverNames: extra } = config;
  const booting = toDhcpOptions(config)?.url;
  const own = [listenAddress, httpListen?.address ?? listenAddress].filter((address) => address !== "0.0.0.0");
  if (booting !== undefined) own.push(new URL(booting).hostname);
  for (const url of [config.ec2ServerUrl, config.externalServerUrl]) if (url !== null) own.push(new URL(url).hostname);
  const all = ["localhost", hostName, "127.0.0.1", nspawnServerAddress, ...own, ...extra];
  const unique = [...new Set(all)];
  return { names: unique.filter((name) => !isAddress(name)), addresses: unique.filter(isAddress) };
}

/** Made on first start and kept: clients go on after a restart. */
async function loadToken(file: string): Promise<string> {
  try {
    return (await readPrivateFile(file)).toString().trim();
  } catch (error) {
    if (!isMissing(error)) throw error;
    await createPrivateFile(file, `${createToken(randomBytes)}\n`);
    return loadToken(file);
  }
}
