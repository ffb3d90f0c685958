import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, readFile, readdir, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { dayMs } from "./certificate.ts";
import { now, opensslVerify, toSecond } from "./fixtures.ts";
import { loadServerTls } from "./server-tls.ts";

async function setUp() {
  const directory = await temporaryFolder("pki");
  const load = (changes: { names?: string[]; addresses?: string[]; now?: number } = {}) =>
    loadServerTls({ directory, names: ["localhost"], addresses: ["127.0.0.1", "::1"], now, ...changes });
  return { directory, load };
}

test("loadServerTls makes an authority and a certificate, private but for ca.crt, and keeps both", async () => {
  const { directory, load } = await setUp();
  const made = await load();
  expect(await readdir(directory)).toEqual(["authority.pem", "ca.crt", "server.pem"]);
  const modes = await Promise.all(
    ["authority.pem", "ca.crt", "server.pem"].map(async (name) => (await stat(join(directory, name))).mode & 0o777),
  );
  expect(modes).toEqual([0o600, 0o644, 0o600]);
  expect(await readFile(made.caFile, "utf8")).toBe(made.ca);
  expect(made.ca).not.toContain("PRIVATE KEY");
  expect(await opensslVerify(made.certificate, { ca: made.ca, purpose: "sslserver" })).toBe("stdin: OK");
  expect(await load()).toEqual(made);
});

test("loadServerTls gives one authority to all who start at once", async () => {
  const { load } = await setUp();
  const made = await Promise.all(Array.from({ length: 6 }, () => load()));
  expect(new Set(made.map(({ ca }) => ca)).size).toBe(1);
});

test("a client that pins the authority is served under every name and address, and others refuse", async () => {
  const tls = await (await setUp()).load();
  const stranger = await (await setUp()).load();
  const server = createServer({ cert: tls.certificate, key: tls.key }, (socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const dial = async (options: { ca: string; servername?: string }) => {
    const socket = connect({ host: "127.0.0.1", port, ...options });
    await once(socket, "secureConnect").finally(() => socket.destroy());
    return socket.authorized;
  };
  expect(await dial({ ca: tls.ca, servername: "localhost" })).toBe(true);
  expect(await dial({ ca: tls.ca })).toBe(true);
  await expect(dial({ ca: tls.ca, servername: "elsewhere.test" })).rejects.toThrow(
    "does not match certificate's altnames",
  );
  await expect(dial({ ca: stranger.ca, servername: "localhost" })).rejects.toThrow("unable to");
});

test("both are valid from 30 days back, so that a machine whose clock is behind can be told so", async () => {
  const { ca, certificate } = await (await setUp()).load();
  for (const pem of [ca, certificate])
    expect(new X509Certificate(pem).validFromDate.getTime()).toBe(toSecond(now - 30 * dayMs));
});

test.each([
  ["a name is added", { names: ["localhost", "metadata.test"] }],
  ["a name is taken away", { names: [] }],
  ["an address is another", { addresses: ["127.0.0.1", "10.77.255.254"] }],
  ["less than half of its time is left", { now: now + 366 * dayMs }],
])("the certificate is reissued by the same authority when %s", async (_title, changes) => {
  const { load } = await setUp();
  const before = await load();
  const after = await load(changes);
  expect(after.ca).toBe(before.ca);
  expect(after.certificate).not.toBe(before.certificate);
  expect(new X509Certificate(after.certificate).verify(new X509Certificate(after.ca).publicKey)).toBe(true);
  expect(await load(changes)).toEqual(after);
});

test("the certificate stays when names and addresses come in another order or twice", async () => {
  const { load } = await setUp();
  const names = ["localhost", "metadata.test"];
  const before = await load({ names });
  expect(await load({ names: ["metadata.test", "localhost", "localhost"], addresses: ["::1", "127.0.0.1"] })).toEqual(
    before,
  );
});

test("a certificate of another authority is reissued", async () => {
  const { directory, load } = await setUp();
  const other = await setUp();
  await other.load();
  await load();
  await writeFile(join(directory, "server.pem"), await readFile(join(other.directory, "server.pem")));
  const { ca, certificate } = await load();
  expect(await opensslVerify(certificate, { ca, purpose: "sslserver" })).toBe("stdin: OK");
});

test.each(["authority.pem", "server.pem"])(
  "a truncated, foreign or open %s is refused and left alone",
  async (name) => {
    const { directory, load } = await setUp();
    await load();
    const file = join(directory, name);
    const good = await readFile(file, "utf8");
    const damaged = `Cannot use ${file}: it is damaged; restore it from a backup, or remove it to make another`;
    const foreignKey = (await (await setUp()).load()).key;
    for (const bad of [
      good.slice(0, -100),
      good.slice(100),
      "",
      good.slice(0, good.indexOf("-----BEGIN EC")) + foreignKey,
    ]) {
      await writeFile(file, bad);
      await expect(load()).rejects.toThrow(damaged);
      expect(await readFile(file, "utf8")).toBe(bad);
    }
    await writeFile(file, good);
    await chmod(file, 0o644);
    await expect(load()).rejects.toThrow(`Cannot use ${file}: its mode 0644 lets others at it; chmod it to 0600`);
  },
);

test("an expired authority is refused with what to do", async () => {
  const { directory, load } = await setUp();
  await load();
  await expect(load({ now: now + 3651 * dayMs })).rejects.toThrow(
    new RegExp(
      `^Cannot use ${join(directory, "authority.pem")}: it expired on .+; remove it to make another, then bake`,
    ),
  );
});

test("an invalid address is refused before any certificate is written", async () => {
  const { directory, load } = await setUp();
  await expect(load({ addresses: ["10.77.0.256"] })).rejects.toThrow('"10.77.0.256" is not an IP address');
  expect(await readdir(directory)).toEqual(["authority.pem"]);
});
