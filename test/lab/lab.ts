import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildBootstrapper } from "../../bootstrapper/build.ts";
import { ensureImage, type BakeOptions } from "../../images/bake.ts";
import type { BakedImage } from "../../images/baked-image.ts";
import type { OnBakeProgress } from "../../images/progress.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { defaultDebianRelease } from "../../images/debian/sources.ts";
import { chooseOrigin } from "../../images/kubernetes/choose-origin.ts";
import { locateKubernetes } from "../../images/kubernetes/origin.ts";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { chooseRuntimeOrigin } from "../../images/runtime/ensure-runtime.ts";
import { locateRuntime, planRuntime } from "../../images/runtime/runtime-origin.ts";
import { createApiClient, type ApiClient } from "../../cli/client/api-client.ts";
import type { Connection } from "../../cli/client/connection.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { type Config, type ConfigFlags, loadConfig } from "../../metadata-server/config.ts";
import { createJsonLogger } from "../../metadata-server/logger.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { startServer, type RunningServer, type ServerOptions } from "../../metadata-server/serve.ts";
import { createLabFolder } from "./lab-folders.ts";

export const kubernetesVersion = defaultKubernetesVersion;
export const cacheDir = "/var/cache/sprout";
const { node: arch } = hostArchitecture();
export const bootstrapperFile = join(cacheDir, "bootstrapper", arch, "sprout-bootstrap");

/** Why this host cannot run real machines; null if it can. */
export function whyNoMachines(): string | null {
  if (process.platform !== "linux") return "real machines need Linux";
  return process.getuid?.() === 0 ? null : "real machines need root";
}

export interface LabImageOptions extends Partial<Pick<BakeOptions, "imagesDir" | "debianRelease" | "containerd">> {
  networkBoot?: boolean;
  /** By default `kubernetesVersion`. */
  version?: string;
}

/** The image with this checkout's bootstrapper and templates, baked if it is missing or out of date. */
export async function prepareImage(
  onProgress: OnBakeProgress = () => undefined,
  options: LabImageOptions = {},
): Promise<{ image: BakedImage; kubectl: string; kubeadm: string }> {
  await buildBootstrapper({ arch, outFile: bootstrapperFile, cacheDir });
  const { networkBoot = false, version = kubernetesVersion, ...wanted } = options;
  const source = { kubernetesVersion: version, cacheDir };
  const { signal } = new AbortController();
  const go = process.env["GO"] || undefined;
  const origin = await chooseOrigin(source, { cacheDir, architecture: hostArchitecture().debian, go, signal });
  const image = await ensureImage({
    ...source,
    imagesDir: join(cacheDir, "images"),
    bootstrapper: bootstrapperFile,
    ...(networkBoot ? { networkBoot } : {}),
    origin,
    debianRelease: defaultDebianRelease,
    containerd: "upstream",
    ...wanted,
    go,
    signal,
    onProgress,
  });
  const binaries = locateKubernetes(origin, source);
  return { image, kubectl: join(binaries, "kubectl"), kubeadm: join(binaries, "kubeadm") };
}

/** Folders of compiled or downloaded programs for the image. */
export async function locatePrograms({ signal }: { signal: AbortSignal }) {
  const source = { kubernetesVersion, cacheDir };
  const architecture = hostArchitecture();
  const origin = await chooseOrigin(source, { cacheDir, architecture: architecture.debian, signal });
  const plan = planRuntime(kubernetesVersion, "upstream");
  const runtime = await chooseRuntimeOrigin(plan, origin, { cacheDir, architecture, signal });
  return {
    kubernetes: locateKubernetes(origin, source),
    runtime: locateRuntime(runtime, { cacheDir, key: plan.key }),
  };
}

export interface Lab {
  server: RunningServer;
  client: ApiClient;
  connection: Connection;
  machinesDir: string;
  /** The server's log so far. */
  log(): string;
  close(): Promise<void>;
}

export interface LabOptions {
  imagesDir?: string;
  /** Further settings of the server. */
  settings?: ConfigFlags;
  /** The server's by default. */
  openStore?: ServerOptions["openStore"];
}

/** A server in this process with real nspawn machines; `wrap` injects faults between the two. */
export async function startLab(
  wrap: (provider: MachineProvider, config: Config) => MachineProvider | Promise<MachineProvider> = (provider) =>
    provider,
  { imagesDir = join(cacheDir, "images"), settings = {}, openStore }: LabOptions = {},
): Promise<Lab> {
  const dataDir = await createLabFolder();
  const config = loadConfig({ dataDir, cacheDir, port: await findFreePort(), ...settings });
  const machinesDir = join(dataDir, "machines");
  const nspawn = createNspawnProvider({
    imagesDir,
    machinesDir,
    network: config.nspawnSubnet,
    serverPort: config.port,
  });
  const lines: string[] = [];
  const logger = createJsonLogger((line) => lines.push(line));
  const providers = [await wrap(nspawn, config)];
  const server = await startServer(config, { logger, providers, ...(openStore && { openStore }) });
  const connection = {
    server: new URL(server.url),
    ca: await readFile(server.caFile, "utf8"),
    caFile: server.caFile,
    token: server.token,
  };
  const client = createApiClient(connection, { signal: new AbortController().signal, now: Date.now });
  return {
    server,
    client,
    connection,
    machinesDir,
    log: () => lines.join(""),
    async close() {
      await server.close();
      for (const machine of await nspawn.list())
        await (machine.allocation ? nspawn.terminate(machine) : nspawn.release(machine.clusterId));
      await rm(dataDir, { recursive: true });
    },
  };
}
