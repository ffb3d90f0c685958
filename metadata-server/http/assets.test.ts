import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readlink, rename, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { createBootAssets } from "../boot/boot-assets.ts";
import { createBootstrapperExecutables } from "../cloud-init/bootstrapper-executables.ts";
import { listen, type Listener } from "../listen.ts";
import { createMetrics } from "./metrics.ts";
import { createPlainApp } from "./plain-app.ts";
import { wideLimits } from "../../test/fixtures/wide-limits.ts";
import { patience } from "../../test/fixtures/patience.ts";

const root = randomBytes(3 * 1024 * 1024);
const etag = `"${createHash("sha512").update(root).digest("hex")}"`;
let server: TestServer;
let listener: Listener;
let images: string;
let port: number;
let url: string;

beforeEach(async () => {
  server = await createTestServer();
  const { clusters, stopping } = server;
  images = join(await temporaryFolder("assets"), "images");
  await mkdir(join(images, "v1.37.2/network-boot"), { recursive: true });
  await writeFile(join(images, "v1.37.2/network-boot/root.squashfs"), root);
  await writeFile(join(images, "v1.37.2/manifest.json"), "{}");
  const app = createPlainApp({
    clusters,
    apiToken: "unused",
    metrics: createMetrics(clusters.store),
    limits: wideLimits,
    stopping: stopping.signal,
    assets: createBootAssets({ imagesDir: images, ipxeDir: join(images, "../ipxe") }),
    executables: createBootstrapperExecutables(join(images, "../bootstrapper")),
    apiPort: 8443,
    hosts: [],
  });
  port = await findFreePort();
  listener = await listen({ address: "127.0.0.1", port }, { fetch: app.fetch, limits: wideLimits });
  url = `http://127.0.0.1:${port}/assets/v1.37.2/root.squashfs`;
});
afterEach(async () => {
  await listener.close();
  await server.close();
});

const get = (headers: Record<string, string> = {}, method = "GET") => fetch(url, { headers, method });
const getBootstrapper = (arch: string) => fetch(`http://127.0.0.1:${port}/assets/bootstrapper/${arch}`);
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe("GET /assets", () => {
  it("serves sprout-bootstrap of each architecture that was built", async () => {
    const folder = join(images, "../bootstrapper/arm64");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "sprout-bootstrap"), root);
    const answer = await getBootstrapper("arm64");
    expect([answer.status, answer.headers.get("etag")]).toEqual([
      200,
      `"${createHash("sha256").update(root).digest("hex")}"`,
    ]);
    expect((await bytesOf(answer)).equals(root)).toBe(true);
    for (const arch of ["x64", "toString", "..%2farm64", "sprout-bootstrap"])
      expect([arch, (await getBootstrapper(arch)).status]).toEqual([arch, 404]);
  });

  it("serves a whole file, with its SHA-256 as a strong ETag", async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag,
      "content-length": String(root.length),
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
      "cache-control": "no-cache",
    });
    expect((await bytesOf(response)).equals(root)).toBe(true);
  });

  it("answers HEAD with the same headers, for any requested range", async () => {
    const response = await get({ range: "bytes=0-1" }, "HEAD");
    expect([response.status, response.headers.get("content-length"), response.headers.get("etag")]).toEqual([
      200,
      String(root.length),
      etag,
    ]);
    expect(await response.text()).toBe("");
  });

  it("serves a range if the client has the rest of the same file", async () => {
    const part = await get({ range: "bytes=1048576-", "if-range": etag });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 1048576-3145727/3145728`]);
    expect((await bytesOf(part)).equals(root.subarray(1_048_576))).toBe(true);
    const whole = await get({ range: "bytes=1048576-", "if-range": '"of-another-file"' });
    expect([whole.status, (await bytesOf(whole)).length]).toEqual([200, root.length]);
    const byDate = await get({ range: "bytes=1048576-", "if-range": "Sat, 21 Nov 2026 05:00:00 GMT" });
    expect([byDate.status, (await bytesOf(byDate)).length]).toEqual([200, root.length]);
  });

  it.each([
    ["an unsatisfiable range", { range: "bytes=3145728-" }, 416],
    ["a copy that is still current", { "if-none-match": etag }, 304],
    ["a current copy among others, with a weak tag", { "if-none-match": `"other", W/${etag}` }, 304],
    ["another file than the requested one", { "if-match": '"other"' }, 412],
  ])("answers %s without a body", async (_what, headers, status) => {
    const response = await get(headers);
    expect([response.status, await response.text(), response.headers.get("etag")]).toEqual([status, "", etag]);
  });

  it.each([
    "/assets/v1.37.2/manifest.json",
    "/assets/v1.37.2/..%2Fmanifest.json",
    "/assets/..%2F..%2Fetc/vmlinuz",
    "/assets/%2e%2e/vmlinuz",
    "/assets/v1.37.2%00/vmlinuz",
    "/assets/v1.37.2/vmlinuz",
    "/assets/v9.9.9/vmlinuz",
    "/assets/v1.37.2/../../../../etc/passwd",
    "/v1/clusters",
    "/node/v1/metadata",
    "/metrics",
  ])("serves nothing at %s", async (path) => {
    // Over a socket, because fetch would resolve the dots.
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: boot\r\nConnection: close\r\n\r\n`);
    expect((await text(socket)).split("\r\n")[0]).toBe("HTTP/1.1 404 Not Found");
  });

  it("sends the whole old file to a client that started before the file was replaced", async () => {
    await (await get()).arrayBuffer();
    const response = await get();
    const reader = response.body!.getReader();
    const first = (await reader.read()).value!;
    const other = join(images, "new");
    await writeFile(other, randomBytes(root.length));
    await rename(other, join(images, "v1.37.2/network-boot/root.squashfs"));
    const chunks = [first];
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    expect(Buffer.concat(chunks).equals(root)).toBe(true);
    expect((await get()).headers.get("etag")).not.toBe(etag);
  });

  it("closes the connection if the file is overwritten in place, and never mixes two files", async () => {
    const large = Buffer.alloc(64 * 1024 * 1024, 1);
    await writeFile(join(images, "v1.37.2/network-boot/root.squashfs"), large);
    const response = await get();
    const reader = response.body!.getReader();
    await reader.read();
    await using file = await open(join(images, "v1.37.2/network-boot/root.squashfs"), "r+");
    await file.write(Buffer.alloc(1024, 2), 0, 1024, large.length - 1024);
    const rest = async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read())
        if (next.value.includes(2)) return "mixed";
      return "whole";
    };
    await expect(rest()).rejects.toThrow("terminated");
    await expect.poll(() => server.log.join("\n"), patience).toContain("it was written while it was read");
  });

  it("closes the file of a client that disconnects, and logs no error", async () => {
    await writeFile(join(images, "v1.37.2/network-boot/root.squashfs"), Buffer.alloc(64 * 1024 * 1024, 1));
    const gone = new AbortController();
    const response = await fetch(url, { signal: gone.signal });
    await response.body!.getReader().read();
    gone.abort();
    await delay(100);
    expect(server.log).toEqual([]);
    expect((await get({ range: "bytes=0-9" })).status).toBe(206);
  });

  it.skipIf(!existsSync("/proc/self/fd"))(
    "closes the files of a client that disconnects, those of queued requests included (needs /proc)",
    async () => {
      await writeFile(join(images, "v1.37.2/network-boot/root.squashfs"), Buffer.alloc(64 * 1024 * 1024, 1));
      const openFiles = async () => {
        const links = (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
        return (await Promise.all(links)).filter((path) => path.startsWith(images)).length;
      };
      const socket = connect(port, "127.0.0.1");
      socket.write("GET /assets/v1.37.2/root.squashfs HTTP/1.1\r\nHost: boot\r\n\r\n".repeat(2));
      await once(socket, "data");
      await expect.poll(openFiles, patience).toBe(2);
      socket.destroy();
      await expect.poll(openFiles, patience).toBe(0);
      expect(server.log).toEqual([]);
    },
  );
});
