import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer as createHttpsServer, type Server } from "node:https";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { createClusterCredentials } from "../../test/fakes/test-certificates.ts";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { imageManifest, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { patience } from "../../test/fixtures/patience.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { untilListening } from "../../test/fixtures/until-listening.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { renderLoadBalancer } from "./load-balancer.ts";

const mint = createClusterCredentials();
const ofControlPlane = mint("control-plane", { allocation: "a-aaaaaaaaaaaaaaaa", name: "cp01.build126.test" });
const ca = ofControlPlane.pki["ca.crt"];
const names = ["cp01", "cp02", "cp03"] as const;
type Name = (typeof names)[number];
const addresses = { cp01: "127.0.0.11", cp02: "127.0.0.12", cp03: "127.0.0.13" };

/** A fake API server at its own loopback address. It greets with its name, and answers `/readyz` with this status. */
async function startApiServer(name: Name, port: number, pki = ofControlPlane.pki) {
  let status = 200;
  const sockets = new Set<Socket>();
  const certificate = pki as Record<string, string>;
  const options = { cert: certificate["apiserver.crt"], key: certificate["apiserver.key"] };
  const server: Server = createHttpsServer(options, (_request, response) =>
    response.writeHead(status, { "content-length": name.length }).end(name),
  );
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(port, addresses[name]);
  await once(server, "listening");
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  onTestFinished(stop);
  return { stop, answer: (code: number) => (status = code) };
}

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

/** HAProxy with the configuration of a worker whose control planes are these. */
async function startLoadBalancer(port: number): Promise<void> {
  const controlPlanes = names.map((name) => ({ name: `${name}.build126.test`, address: addresses[name] }));
  const metadata: NodeMetadata = { ...workerMetadata, endpoint: `api.build126.test:${port}`, controlPlanes };
  const files = await renderLoadBalancer({
    metadata,
    credentials: mint("worker", { allocation: workerMetadata.allocation, name: workerMetadata.self.name }),
    render: createRender(templatesFolder),
    image: imageManifest,
    inContainer: true,
    networkCard: "eth0",
    podResolver: { path: "/etc/resolv.conf" },
    hasCgroupV1: false,
    now: new Date(0),
  });
  const folder = await temporaryFolder("load-balancer");
  const here = (text: string) => text.replaceAll("/etc/haproxy", folder);
  for (const { path, content } of files) await writeFile(here(path), here(content));
  const configuration = join(folder, "sprout.cfg");
  await promisify(execFile)("haproxy", ["-c", "-f", configuration]);
  const haproxy = spawn("haproxy", ["-db", "-f", configuration], { stdio: "ignore" });
  const ended = once(haproxy, "exit");
  onTestFinished(async () => {
    haproxy.kill("SIGKILL");
    await ended;
  });
  await untilListening(ended, port);
}

/** Opens a connection to the endpoint; returns who answers on it, and when it ends. */
async function open(port: number): Promise<{ name: string; ended: Promise<void> }> {
  const socket = connectTls({ host: "127.0.0.1", port, ca, servername: "localhost" });
  onTestFinished(() => void socket.destroy());
  const answer = Promise.withResolvers<string>();
  const ended = new Promise<void>((resolve) => {
    socket
      .on("error", () => answer.resolve("none"))
      .on("data", (data) => answer.resolve(/cp\d\d$/.exec(String(data).trim())?.[0] ?? "another"))
      .once("close", () => {
        answer.resolve("none");
        resolve();
      });
  });
  socket.write("GET / HTTP/1.1\r\nHost: api.build126.test\r\n\r\n");
  return { name: await answer.promise, ended };
}
const answers = async (port: number) => {
  const found = new Set<string>();
  for (let count = 0; count < 40; count += 1) found.add((await open(port)).name);
  return [...found].toSorted();
};

async function start() {
  const port = await freePort();
  const [cp01, cp02, cp03] = await Promise.all(names.map((name) => startApiServer(name, port)));
  await startLoadBalancer(port);
  return { port, cp01: cp01!, cp02: cp02!, cp03: cp03! };
}

const reason = process.getuid?.() === 0 && findProgram("haproxy") ? "" : " (skipped: needs root, and haproxy)";
describe.skipIf(reason !== "")(`a node's load balancer, by real HAProxy and fake API servers${reason}`, () => {
  it("spreads connections over all API servers", async () => {
    const { port } = await start();
    expect(await answers(port)).toEqual(["cp01", "cp02", "cp03"]);
  });

  it("uses what is left when one, two and all are gone, and the first that returns", async () => {
    const { port, cp01, cp02, cp03 } = await start();
    await cp01.stop();
    await expect.poll(() => answers(port), patience).toEqual(["cp02", "cp03"]);
    await cp02.stop();
    await expect.poll(() => answers(port), patience).toEqual(["cp03"]);
    await cp03.stop();
    await expect.poll(() => answers(port), patience).toEqual(["none"]);
    await startApiServer("cp02", port);
    await expect.poll(() => answers(port), patience).toEqual(["cp02"]);
  });

  it("ends the connections of an API server that says it is not ready, so that its clients move", async () => {
    const { port, cp01, cp02, cp03 } = await start();
    cp01.answer(500);
    cp02.answer(500);
    await expect.poll(() => answers(port), patience).toEqual(["cp03"]);
    const kept = await open(port);
    cp02.answer(200);
    cp03.answer(500);
    await kept.ended;
    expect(kept.name).toBe("cp03");
    await expect.poll(() => answers(port), patience).toEqual(["cp02"]);
  });

  it("keeps an API server that refuses anonymous requests", async () => {
    const { port, cp01, cp02, cp03 } = await start();
    cp01.answer(401);
    cp02.answer(403);
    cp03.answer(500);
    await expect.poll(() => answers(port), patience).toEqual(["cp01", "cp02"]);
  });

  it("leaves out a server of another authority, and one that accepts connections without an answer", async () => {
    const port = await freePort();
    const other = createClusterCredentials()("control-plane", {
      allocation: "a-aaaaaaaaaaaaaaaa",
      name: "cp01.evil.test",
    });
    await startApiServer("cp01", port, other.pki);
    const silent = createServer((socket) => {
      socket.on("error", () => undefined);
      onTestFinished(() => void socket.destroy());
    }).listen(port, addresses.cp02);
    onTestFinished(() => void silent.close());
    await startApiServer("cp03", port);
    await startLoadBalancer(port);
    await expect.poll(async () => Promise.race([answers(port), delay(2000, ["slow"])]), patience).toEqual(["cp03"]);
  });
});
