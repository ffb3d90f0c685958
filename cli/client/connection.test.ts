import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadConnection } from "./connection.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sprout-connection-"));
  await mkdir(join(dataDir, "tls"));
  await writeFile(join(dataDir, "tls/ca.crt"), "authority");
  await writeFile(join(dataDir, "token"), "from-data-dir\n", { mode: 0o600 });
});
afterEach(() => rm(dataDir, { recursive: true }));

const none = { server: undefined, token: undefined };

it("connects to this host's server with the files in its data directory by default", async () => {
  expect(await loadConnection({ dataDir }, none)).toEqual({
    server: new URL("https://127.0.0.1:8443"),
    ca: "authority",
    caFile: join(dataDir, "tls/ca.crt"),
    token: "from-data-dir",
  });
});

it("variables override the data directory, and flags override variables", async () => {
  const environment = { server: "https://sprout.example:9443", token: "from-environment" };
  expect(await loadConnection({ dataDir }, environment)).toMatchObject({
    server: new URL("https://sprout.example:9443"),
    token: "from-environment",
  });
  await writeFile(join(dataDir, "other"), "from-flag", { mode: 0o600 });
  const flags = { dataDir, server: "https://127.0.0.1:1", tokenFile: join(dataDir, "other") };
  expect(await loadConnection(flags, environment)).toMatchObject({
    server: new URL("https://127.0.0.1:1"),
    token: "from-flag",
  });
});

it.for(["http://127.0.0.1:8443", "127.0.0.1:8443", "https://127.0.0.1/v1", "https://a@127.0.0.1", ""])(
  "server %o is refused",
  async (server) => {
    await expect(loadConnection({ dataDir, server }, none)).rejects.toMatchObject({
      exitCode: 2,
      message: `Cannot use server "${server}": Expected a URL such as https://127.0.0.1:8443`,
    });
  },
);

it("a token with a line break is refused before it reaches a header, and is not printed", async () => {
  const error: unknown = await loadConnection({ dataDir }, { ...none, token: "secret\r\nX: y" }).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({
    exitCode: 2,
    message: "Cannot use the API token: Expected one line of visible ASCII characters",
  });
});

it("a missing file is named, with the flag for another file", async () => {
  await rm(join(dataDir, "token"));
  await expect(loadConnection({ dataDir }, none)).rejects.toMatchObject({
    exitCode: 2,
    message: `Cannot read the API token from ${join(dataDir, "token")}: no such file; start the server on this host with "sprout serve", or give --token-file FILE or SPROUT_TOKEN`,
  });
});

it.each([0o644, 0o640, 0o604, 0o666])("a token file of mode %o is refused with its mode", async (mode) => {
  const file = join(dataDir, "token");
  await chmod(file, mode);
  await expect(loadConnection({ dataDir }, none)).rejects.toMatchObject({
    exitCode: 2,
    message: `Cannot use ${file}: its mode 0${mode.toString(8)} gives other users access; chmod it to 0600`,
  });
});

it("a token comes from a pipe whatever its mode", async () => {
  const pipe = join(dataDir, "pipe");
  execFileSync("mkfifo", ["-m", "0644", pipe]);
  const read = loadConnection({ dataDir, tokenFile: pipe }, none);
  await writeFile(pipe, "from-pipe\n");
  expect((await read).token).toBe("from-pipe");
});
