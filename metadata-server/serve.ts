import { randomBytes, randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import { isBackDoor } from "./back-door.ts";
import { openKubernetesApi } from "./kubernetes/api-client.ts";
import { createBootAssets } from "./boot/boot-assets.ts";
import { createBootstrapperExecutables } from "./cloud-init/bootstrapper-executables.ts";
import { loadApiToken } from "./api-token.ts";
import { createBackground } from "./clusters/background.ts";
import { type Clock, systemClock } from "#lib/clock.ts";
import { toHostName } from "#lib/host-name.ts";
import { toServerUrl } from "#lib/server-url.ts";
import type { ClusterDependencies } from "./clusters/dependencies.ts";
import { createLeases } from "./clusters/leases.ts";
import { reconcile } from "./clusters/reconcile.ts";
import { createRefusalLimiter } from "./clusters/refusal-limiter.ts";
import { createRepeatLimiter } from "./clusters/repeat-limiter.ts";
import { createSnapshot } from "./clusters/snapshot.ts";
import type { Config } from "./config.ts";
import { startDhcp, toDhcpOptions } from "./dhcp/serve-dhcp.ts";
import { createApp } from "./http/app.ts";
import type { HttpDependencies } from "./http/dependencies.ts";
import { createMetrics } from "./http/metrics.ts";
import { createPlainApp } from "./http/plain-app.ts";
import { createListenerLimits, type ListenerLimits, type ListenerName } from "./limits/listener-limits.ts";
import { readOpenFileLimit } from "./limits/share-connections.ts";
import { listen } from "./listen.ts";
import { toListeners } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import { reserveAddresses } from "./machines/reserve-addresses.ts";
import { listCards } from "./machines/list-cards.ts";
import { createOpenPowerDriver } from "./machines/open-power-driver.ts";
import { isDnsName } from "./pki/alternative-names.ts";
import { loadServerKey } from "./pki/server-key.ts";
import { loadServerTls, type ServerTls } from "./pki/server-tls.ts";
import { type BareMetalOptions, createBareMetalProvider } from "./machines/bare-metal-provider.ts";
import { listBootImages } from "./boot/boot-images.ts";
import type { MachineProvider } from "./providers/provider.ts";
import { requireServerKey } from "./require-server-key.ts";
import { writeOutToFile } from "./store/audit-archive.ts";
import { startWatchers } from "./start-watchers.ts";
import { openStoreClock } from "./store-clock.ts";
import { openRedisStore } from "./store/redis/redis-store.ts";
import { openSqliteStore } from "./store/sqlite/sqlite-store.ts";
import type { Store } from "./store/store.ts";

export interface RunningServer {
  url: string;
  /** Token of the cluster API. */
  token: string;
  /** PEM file of the authority to pin. */
  caFile: string;
  /** Answers for `drainSeconds` more, then waits until requests end, for a few seconds. Machines run without the server. */
  close(): Promise<void>;
  /** Closes the server and deletes everything in its store. */
  erase(): Promise<void>;
}

export interface ServerOptions {
  logger: Logger;
  providers: readonly MachineProvider[];
  /** The store will be erased at the end, so the server refuses one that already holds data. */
  ephemeral?: boolean;
  /** Opens the store that the configuration names by default. */
  openStore?: typeof openConfiguredStore;
  /** This host's clock. */
  clock?: Clock;
}

/** Opens the state in `config.dataDir` (created on first start), finishes the last run's work, then serves. */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const { logger, providers, ephemeral = false, openStore = openConfiguredStore } = options;
  const hostClock = options.clock ?? systemClock;
  const token = await loadApiToken(config.tokenFile);
  const serverKey = await loadServerKey(join(config.dataDir, "server.key"));
  if (!hasDnsName(config))
    logger.warn("No certificate can have this host's name; give --server-names the names that machines use", {
      hostName: config.hostName,
    });
  const tlsDirectory = join(config.dataDir, "tls");
  const tls = await loadServerTls({ directory: tlsDirectory, ...serverNames(config), now: hostClock.now() });
  const store = await openStore(config, { logger, ephemeral });
  const clock = await openStoreClock(store, { host: hostClock, logger });
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
    listeners: toListeners(config, serverNames(config).addresses),
    plainHttpPort: config.httpListen?.port,
    clock,
    random: randomBytes,
    background,
    snapshot: store.isShared ? createSnapshot(store, { logger }) : undefined,
    leases: createLeases({ store, holder: randomUUID(), logger }),
    refusals: createRefusalLimiter(),
    repeats: createRepeatLimiter(),
    openKubernetesApi,
    inTurn: pLimit(1),
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
    await requireServerKey(store, {
      serverKey,
      file: join(config.dataDir, "server.key"),
      storeName: config.store?.name ?? config.databaseFile,
    });
    await reconcile(clusters);
    background.start("clock", clock.follow);
    startWatchers(clusters);
    const openFiles = await readOpenFileLimit();
    const limits = createListenerLimits({ settings: config, openFiles, logger, clock, count: metrics.excess });
    const { skewMs: clockSkewMs } = clock;
    const http = { clusters, openPowerDriver, apiToken: token, metrics, stopping: stopping.signal, clockSkewMs };
    const listeners = await listenOnAll(config, { tls, http, limits });
    const host = config.listenAddress === "0.0.0.0" ? "127.0.0.1" : config.listenAddress;
    const url = `https://${host}:${config.port}`;
    logger.info("Serving", { url });
    if (config.httpListen) logger.info("Serving plain HTTP", { ...config.httpListen });
    let ended: Promise<void> | undefined;
    const end = (leave: () => Promise<void>) => {
      if (ended === undefined) logger.info("Stopping");
      stopping.abort();
      ended ??= delay(config.drainSeconds * 1000)
        .then(() => Promise.all(listeners.map((listener) => listener.close())))
        .then(() => stop(leave));
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
  const writeOutAudit = writeOutToFile({ file: config.droppedAuditFile, logger });
  const common = { now: () => systemClock.now(), maxAuditEntries: config.auditEntries, writeOutAudit, logger };
  if (config.store === null) return openSqliteStore({ file: config.databaseFile, ...common });
  return openRedisStore({ target: config.store, ephemeral, ...common });
}

const toMap = (providers: readonly MachineProvider[]) =>
  new Map(providers.map((provider) => [provider.name, provider]));

/** Inventory machines boot over the plain surface, so there is no provider for them without it. */
function inventoryProviders(
  config: Config,
  deps: Pick<BareMetalOptions, "store" | "clock" | "logger" | "openPowerDriver">,
): MachineProvider[] {
  const { httpListen, hostName, port, cacheDir, nspawnServerAddress } = config;
  if (httpListen === null) return [];
  const ownHost = hasDnsName(config) ? hostName : (config.serverNames[0] ?? nspawnServerAddress);
  const host = httpListen.address === "0.0.0.0" ? ownHost : httpListen.address;
  const listImages = () => listBootImages(join(cacheDir, "images"));
  return [createBareMetalProvider({ ...deps, listImages, serverUrl: toServerUrl(host, port) })];
}

type Limits = Record<ListenerName, ListenerLimits>;

/** Opens the API and, if configured, the plain surface for firmware and cloud-init, and DHCP. */
async function listenOnAll(
  config: Config,
  { tls, http, limits }: { tls: ServerTls; http: Omit<HttpDependencies, "limits">; limits: Limits },
) {
  const refuses = (connection: Socket) => isBackDoor(connection, config);
  const { listenAddress: address, port } = config;
  const { stopping } = http;
  const open: { close(): Promise<void> }[] = [
    await listen(
      { address, port },
      { fetch: createApp({ ...http, limits: limits.api }).fetch, tls, limits: limits.api, stopping, refuses },
    ),
  ];
  try {
    if (config.httpListen !== null) {
      const assets = createBootAssets({ imagesDir: join(config.cacheDir, "images"), ipxeDir: config.ipxeDir });
      const executables = createBootstrapperExecutables(join(config.cacheDir, "bootstrapper"));
      // Computes their checksums now, so that the first machine does not wait for them.
      await executables.list();
      const { names, addresses } = serverNames(config);
      const own = { apiPort: config.port, hosts: [...names, ...addresses] };
      const plain = createPlainApp({ ...http, limits: limits.plain, assets, executables, ...own });
      open.push(await listen(config.httpListen, { fetch: plain.fetch, limits: limits.plain, stopping, refuses }));
    }
    const { clusters } = http;
    const dhcp = await startDhcp(config, { logger: clusters.logger, listCards: () => listCards(clusters.store) });
    if (dhcp === undefined) return open;
    if (config.dhcp !== "proxy")
      clusters.background.start("dhcp", (signal) => reserveAddresses(clusters, dhcp.reserve, signal));
    return [...open, dhcp];
  } catch (error) {
    await Promise.all(open.map((one) => one.close()));
    throw error;
  }
}

const hasDnsName = ({ hostName }: Config) => isDnsName(hostName);

const isAddress = (name: string) => /^\d+(\.\d+){3}$/.test(name);

function serverNames(config: Config) {
  const { hostName, listenAddress, httpListen, nspawnServerAddress, serverNames: extra } = config;
  const booting = toDhcpOptions(config)?.url;
  const own = [listenAddress, httpListen?.address ?? listenAddress].filter((address) => address !== "0.0.0.0");
  if (booting !== undefined) own.push(new URL(booting).hostname);
  for (const url of [config.ec2ServerUrl, config.externalServerUrl]) if (url !== null) own.push(new URL(url).hostname);
  const all = [
    "localhost",
    ...(hasDnsName(config) ? [hostName] : []),
    "127.0.0.1",
    nspawnServerAddress,
    ...own,
    ...extra,
  ];
  const unique = [...new Set(all.map(toHostName))];
  return { names: unique.filter((name) => !isAddress(name)), addresses: unique.filter(isAddress) };
}
