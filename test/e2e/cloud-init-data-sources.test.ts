import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { createBootAssets } from "../../metadata-server/boot/boot-assets.ts";
import { createBootstrapperExecutables } from "../../metadata-server/cloud-init/bootstrapper-executables.ts";
import { createMetrics } from "../../metadata-server/http/metrics.ts";
import { createPlainApp } from "../../metadata-server/http/plain-app.ts";
import { listen, type Listener } from "../../metadata-server/listen.ts";
import { createTestServer, type TestServer } from "../fixtures/test-server.ts";
import { ensureStockImage } from "../lab/cloud-init-image.ts";
import { cacheDir, kubernetesVersion, whyNoMachines } from "../lab/lab.ts";
import { slowness } from "../fixtures/slowness.ts";
import { findSlow, startRecordingProxy, type RecordingProxy, withoutCapability } from "../lab/recording-proxy.ts";
import { wideLimits } from "../fixtures/wide-limits.ts";

const reason = whyNoMachines();
const script = join(import.meta.dirname, "../lab/crawl-data-source.py");

interface Crawled {
  version: string;
  found: boolean;
  mode: string;
  instanceId: string;
  hostname: string;
  userDataParts: string[];
  vendorData: string;
}

/** Debian's cloud-init in a chroot, with fake machines: no machine is booted. */
describe.skipIf(reason !== null)(`cloud-init's data sources${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let rootfs: string;
  let server: TestServer;
  let listener: Listener;
  let proxy: RecordingProxy;
  let origin: string;
  let listenerPort: number;
  let cluster: Cluster;

  beforeAll(async () => {
    rootfs = join(await ensureStockImage({ signal: AbortSignal.timeout(600_000) }), kubernetesVersion, "rootfs");
    server = await createTestServer();
    cluster = await server.create();
    const [listenPort, port] = [await findFreePort(), await findFreePort()];
    const { clusters, stopping, directory } = server;
    const executables = createBootstrapperExecutables(join(cacheDir, "bootstrapper"));
    // The server does the same when it starts.
    await executables.list();
    const app = createPlainApp({
      clusters,
      apiToken: "unused",
      metrics: createMetrics(clusters.store),
      limits: wideLimits,
      stopping: stopping.signal,
      assets: createBootAssets({ imagesDir: directory, ipxeDir: directory }),
      executables,
      apiPort: 8443,
      hosts: ["127.0.0.1"],
    });
    listener = await listen({ address: "127.0.0.1", port }, { fetch: app.fetch, limits: wideLimits });
    proxy = await startRecordingProxy({ listenPort, port });
    listenerPort = port;
    origin = `http://127.0.0.1:${listenPort}`;
  });
  afterEach(() => {
    proxy.requests.length = 0;
  });
  afterAll(async () => {
    await proxy.close();
    await listener.close();
    await server.close();
  });

  const capability = () => server.provider.launched.get(cluster.members[1]!.name)!.seed.capability;

  async function crawl(datasource: "NoCloud" | "Ec2", url: string, { isEc2 = false } = {}): Promise<Crawled> {
    const { stdout } = await execa("chroot", [rootfs, "python3", "-"], {
      input: await readFile(script, "utf8"),
      env: { CRAWL: JSON.stringify({ datasource, url, isEc2 }), PYTHONDONTWRITEBYTECODE: "1" },
      timeout: 60_000,
    });
    return JSON.parse(stdout) as Crawled;
  }

  async function expectNothingMissed() {
    expect(proxy.requests.filter(({ status }) => status !== 200)).toEqual([]);
    expect(findSlow(proxy.requests, 50 * (await slowness()))).toEqual([]);
  }
  const asked = () => proxy.requests.map(({ method, path }) => `${method} ${withoutCapability(path)}`);

  it("NoCloud finds its instance on the network, with four requests", async () => {
    const { name, allocation } = cluster.members[1]!;
    expect(await crawl("NoCloud", `${origin}/nocloud/${capability()}/`)).toMatchObject({
      version: expect.stringMatching(/^25\.1/) as string,
      found: true,
      mode: "net",
      instanceId: allocation,
      hostname: name,
      userDataParts: ["text/cloud-config"],
      vendorData: expect.stringMatching(/^#!\/usr\/bin\/python3/) as string,
    });
    const files = ["network-config", "meta-data", "user-data", "vendor-data"];
    expect(asked()).toEqual(files.map((file) => `GET /nocloud/…/${file}`));
    await crawl("NoCloud", `${origin}/nocloud/${capability()}/`);
    await expectNothingMissed();
  });

  it.each(["NoCloud", "Ec2"] as const)(
    "%s waits for a server that is unreachable for five seconds",
    async (datasource) => {
      const port = await findFreePort();
      const path = datasource === "NoCloud" ? `nocloud/${capability()}/` : `ec2/${capability()}`;
      const crawled = crawl(datasource, `http://127.0.0.1:${port}/${path}`);
      await new Promise((resolve) => setTimeout(resolve, 5000));
      const late = await startRecordingProxy({ listenPort: port, port: listenerPort });
      expect(await crawled).toMatchObject({ found: true, instanceId: cluster.members[1]!.allocation });
      await late.close();
    },
  );

  it("NoCloud gives up after twenty seconds without the server, and has no instance", async () => {
    const [port, startedAt] = [await findFreePort(), performance.now()];
    const crawled = crawl("NoCloud", `http://127.0.0.1:${port}/nocloud/${capability()}/`);
    await expect(crawled).rejects.toThrow("Max retries exceeded");
    const seconds = (performance.now() - startedAt) / 1000;
    // cloud-init 22.4 took eleven seconds, 25.1 takes twenty.
    expect([seconds > 9, seconds < 40]).toEqual([true, true]);
  });

  it.each([
    ["with a token where it believes to be on EC2", true],
    ["without one where it does not", false],
  ])("Ec2 finds the same instance, %s, each file once", async (_, isEc2) => {
    const { name, allocation } = cluster.members[1]!;
    expect(await crawl("Ec2", `${origin}/ec2/${capability()}`, { isEc2 })).toMatchObject({
      found: true,
      instanceId: allocation,
      hostname: name,
      userDataParts: ["text/x-shellscript", "text/cloud-config"],
    });
    expect(asked().includes("PUT /ec2/…/latest/api/token")).toBe(isEc2);
    const files = asked().filter((request) => request.includes("/2021-03-23/"));
    expect(files.length).toBeGreaterThan(20);
    // cloud-init probes the version by the instance-id, and reads that again among the others.
    const probe = "GET /ec2/…/2021-03-23/meta-data/instance-id";
    expect(files.filter((file, index) => files.indexOf(file) !== index)).toEqual([probe]);
    await crawl("Ec2", `${origin}/ec2/${capability()}`, { isEc2 });
    await expectNothingMissed();
  });
});
