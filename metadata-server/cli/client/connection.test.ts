import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConnection } from "./connection.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sprout-connection-"));
  await mkdir(join(dataDir, "tls"));
  await writeFile(join(dataDir, "tls/ca.crt"), "authority");
  await writeFile(join(dataDir, "token"), "from-data-dir\n");
});
afterEach(() => rm(dataDir, { recursive: true }));

const none = { server: undefined, token: undefined };

test("without flags and variables, the server on this host is used with what it left in its data directory", async () => {
  expect(await loadConnection({ dataDir }, none)).toEqual({
    server: new URL("https://127.0.0.1:8443"),
    ca: "authority",
    caFile: join(dataDir, "tls/ca.crt"),
    token: "from-data-dir",
  });
});

test("variables win over the data directory, flags over variables", async () => {
  const environment = { server: "https://sprout.example:9443", token: "from-environment" };
  expect(await loadConnection({ dataDir }, environment)).toMatchObject({
    server: new URL("https://sprout.example:9443"),
    token: "from-environment",
  });
  await writeFile(join(dataDir, "other"), "from-flag");
  const flags = { dataDir, server: "https://127.0.0.1:1", tokenFile: join(dataDir, "other") };
  expect(await loadConnection(flags, environment)).toMatchObject({
    server: new URL("https://127.0.0.1:1"),
    token: "from-flag",
  });
});

test.for(["http://127.0.0.1:8443", "127.0.0.1:8443", "https://127.0.0.1/v1", "https://a@127.0.0.1", ""])(
  "server %o is refused",
  async (server) => {
    await expect(loadConnection({ dataDir, server }, none)).rejects.toMatchObject({
      exitCode: 2,
      message: `Cannot use server "${server}": must be a URL such as https://127.0.0.1:8443`,
    });
  },
);

test("a token with a line break is refused before it reaches a header, and is not printed", async () => {
  const error: unknown = await loadConnection({ dataDir }, { ...none, token: "secret\r\nX: y" }).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({
    exitCode: 2,
    message: "Cannot use the API token: it must be one line of visible ASCII characters",
  });
});

test("a missing file is named, with the flag that gives another", async () => {
  await rm(join(dataDir, "token"));
  await expect(loadConnection({ dataDir }, none)).rejects.toMatchObject({
    exitCode: 2,
    message: `Cannot read the API token from ${join(dataDir, "token")}: no such file; start the server on this host with "sprout serve", or give --token-file FILE or SPROUT_TOKEN`,
  });
});
