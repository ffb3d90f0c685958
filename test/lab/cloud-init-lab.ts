import { findFreePort } from "../../cli/demo/free-port.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { ensureStockImage } from "./cloud-init-image.ts";
import { prepareImage, startLab, type Lab } from "./lab.ts";
import { type Fault, type RecordedRequest, startRecordingProxy } from "./recording-proxy.ts";

/** `ec2-on-ec2`: cloud-init sees EC2's hypervisor, and asks for tokens. */
export type DataSource = "nocloud" | "ec2" | "ec2-on-ec2";

export interface CloudInitLabOptions {
  dataSourceOf: (name: string) => DataSource;
  /** Called before machines get their data source. */
  wrap?: (nspawn: MachineProvider) => MachineProvider;
  faultOf?: (path: string) => Fault | undefined;
}

export interface CloudInitLab {
  lab: Lab;
  /** Requests of a member's cloud-init so far; paths begin after its capability. */
  requestsOf(name: string): RecordedRequest[];
  /** Every request on plain HTTP so far. */
  requests: readonly RecordedRequest[];
  /** Waits for the last report of so many machines' cloud-init, which may come after their cluster is Ready. */
  phonedHome(machines: number): Promise<void>;
  close(): Promise<void>;
}

/** The server's address for machines, on every segment. */
const serverAddress = "10.77.255.254";

/**
 * A server whose machines have Debian's cloud-init and no seed: they get only their data source and their capability.
 */
export async function startCloudInitLab({
  dataSourceOf,
  wrap = (nspawn) => nspawn,
  ...faults
}: CloudInitLabOptions): Promise<CloudInitLab> {
  await prepareImage();
  const imagesDir = await ensureStockImage({ signal: AbortSignal.timeout(600_000) });
  const [listenPort, port] = [await findFreePort(), await findFreePort()];
  const proxy = await startRecordingProxy({ listenPort, port, ...faults });
  const capabilities = new Map<string, string>();
  const tellDataSource = (provider: MachineProvider): MachineProvider => ({
    ...provider,
    launch: ({ seed, ...machine }, signal) => {
      capabilities.set(machine.name, seed.capability);
      const server = `http://${serverAddress}:${listenPort}`;
      const ownSeed = { ...seed, server, dataSource: dataSourceOf(machine.name) };
      return provider.launch({ ...machine, seed: ownSeed }, signal);
    },
  });
  const lab = await startLab((nspawn) => tellDataSource(wrap(nspawn)), {
    imagesDir,
    settings: { httpListen: `0.0.0.0:${port}` },
  });
  return {
    lab,
    requests: proxy.requests,
    requestsOf(name) {
      const capability = capabilities.get(name) ?? "";
      const own = proxy.requests.filter(({ path }) => path.includes(capability));
      return own.map((request) => ({ ...request, path: request.path.replace(/^\/\w+\/[^/]+\//, "") }));
    },
    async phonedHome(machines) {
      const deadline = Date.now() + 60_000;
      while (countLast(proxy.requests) < machines && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 100));
    },
    async close() {
      await lab.close();
      await proxy.close();
    },
  };
}

const countLast = (requests: readonly RecordedRequest[]) =>
  requests.filter(({ path }) => path.endsWith("/phone-home")).length;
