import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, readFile, readdir, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { dayMs } from "./certificate.ts";
import { now, opensslVerify, toSecond } from "../../test/fixtures/authorities.ts";
import { loadServerTls } from "./server-tls.ts";

async function setUp() {
  const directory = await temporaryFolder("pki");
  const load = (changes: { names?: string[]; addresses?: string[]; now?: number } = {}) =>
    loadServerTls({ directory, names: ["localhost"], addresses: ["127.0.0.1", "::1"], now, ...changes });
  return { directory, load };
}

it("loadServerTls creates an authority and a certificate, private except for ca.crt, and keeps both", async () => {
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

it("loadServerTls returns one authority to all callers that start at once", async () => {
  const { load } = await setUp();
  const made = await Promise.all(Array.from({ length: 6 }, () => load()));
  expect(new Set(made.map(({ ca }) => ca)).size).toBe(1);
});

it("loadServerTls certifies every name and address for clients that pin its authority, and for no others", async () => {
  const tls = await (await setUp()).load();
  const other = await (await setUp()).load();
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
  await expect(dial({ ca: other.ca, servername: "localhost" })).rejects.toThrow("unable to");
});

it("loadServerTls dates both certificates 30 days back, so that a machine whose clock is behind can learn it", async () => {
  const { ca, certificate } = await (await setUp()).load();
  for (const pem of [ca, certificate])
    expect(new X509Certificate(pem).validFromDate.getTime()).toBe(toSecond(now - 30 * dayMs));
});

it.each([
  ["a name is added", { names: ["localhost", "metadata.test"] }],
  ["a name is removed", { names: [] }],
  ["an address changes", { addresses: ["127.0.0.1", "10.77.255.254"] }],
  ["less than half of its time is left", { now: now + 366 * dayMs }],
])("loadServerTls reissues the certificate by the same authority if %s", async (_title, changes) => {
  const { load } = await setUp();
  const before = await load();
  const after = await load(changes);
  expect(after.ca).toBe(before.ca);
  expect(after.certificate).not.toBe(before.certificate);
  expect(new X509Certificate(after.certificate).verify(new X509Certificate(after.ca).publicKey)).toBe(true);
  expect(await load(changes)).toEqual(after);
});

it("loadServerTls keeps the certificate if names and addresses come in another order or twice", async () => {
  const { load } = await setUp();
  const names = ["localhost", "metadata.test"];
  const before = await load({ names });
  expect(await load({ names: ["metadata.test", "localhost", "localhost"], addresses: ["::1", "127.0.0.1"] })).toEqual(
    before,
  );
});

it("loadServerTls reissues a certificate of another authority", async () => {
  const { directory, load } = await setUp();
  const other = await setUp();
  await other.load();
  await load();
  await writeFile(join(directory, "server.pem"), await readFile(join(other.directory, "server.pem")));
  const { ca, certificate } = await load();
  expect(await opensslVerify(certificate, { ca, purpose: "sslserver" })).toBe("stdin: OK");
});

it.each(["authority.pem", "server.pem"])(
  "loadServerTls refuses a truncated, foreign or open %s and leaves it alone",
  async (name) => {
    const { directory, load } = await setUp();
    await load();
    const file = join(directory, name);
    const good = await readFile(file, "utf8");
    const damaged = `Cannot use ${file}: it is damaged; restore it from a backup, or remove it to create another`;
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
    await expect(load()).rejects.toThrow(
      `Cannot use ${file}: its mode 0644 gives other users access; chmod it to 0600`,
    );
  },
);

it("loadServerTls refuses an expired authority and says how to replace it", async () => {
  const { directory, load } = await setUp();
  await load();
  await expect(load({ now: now + 3651 * dayMs })).rejects.toThrow(
    new RegExp(
      `^Cannot use ${join(directory, "authority.pem")}: it expired on .+; remove it to create another, then bake`,
    ),
  );
});

it("loadServerTls refuses an invalid address before it writes a certificate", async () => {
  const { directory, load } = await setUp();
  await expect(load({ addresses: ["10.77.0.256"] })).rejects.toThrow('"10.77.0.256" is not an IP address');
  expect(await readdir(directory)).toEqual(["authority.pem"]);
});
