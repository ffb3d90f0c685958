import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { fakeCluster, fakeClusterId, startFakeApi, type FakeApi } from "../test/fakes/fake-api.ts";

const sprout = fileURLToPath(new URL("sprout", import.meta.url));
let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

function start(args: string[], environment: Record<string, string> = {}) {
  const child = spawn(sprout, args, { env: { PATH: "/usr/bin:/bin", ...environment } });
  const ended = Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]).then(
    ([[exitCode, signal], stdout, stderr]) => ({
      exitCode: exitCode as number | null,
      signal: signal as string | null,
      stdout,
      stderr,
    }),
  );
  return { child, ended };
}

it("the launcher runs the command and returns its exit code", async () => {
  expect(await start(["clusters", "explode"]).ended).toEqual({
    exitCode: 2,
    signal: null,
    stdout: "",
    stderr: "error: unknown command 'explode'\n(see --help)\n",
  });
});

it("an unreachable server ends with exit code 5", async () => {
  api = await startFakeApi(() => undefined);
  const environment = { SPROUT_DATA_DIR: api.dataDir, SPROUT_SERVER: "https://127.0.0.1:1" };
  expect(await start(["clusters", "list"], environment).ended).toEqual({
    exitCode: 5,
    signal: null,
    stdout: "",
    stderr:
      'Error: Cannot reach https://127.0.0.1:1: connection refused; start it with "sprout serve", or give --server URL\n',
  });
});

it("a cluster that is not ready in time ends with exit code 4", async () => {
  api = await startFakeApi((app) => {
    app.get("/v1/clusters/:id/events", (c) => c.body(null, 200, { "content-type": "text/event-stream" }));
    app.get("/v1/clusters/:id", (c) => c.json(fakeCluster()));
  });
  const environment = { SPROUT_DATA_DIR: api.dataDir, SPROUT_SERVER: api.url };
  expect(await start(["clusters", "wait", fakeClusterId, "--timeout", "1s"], environment).ended).toEqual({
    exitCode: 4,
    signal: null,
    stdout: "",
    stderr: "Error: Cluster build126 is not ready after 1 seconds: it is provisioning\n",
  });
});

it("an interrupted wait ends with exit code 130, not by the signal", async () => {
  const asked = Promise.withResolvers<void>();
  api = await startFakeApi((app) =>
    app.get("*", async (c) => {
      if (c.req.query("wait") === undefined) return c.json(fakeCluster());
      asked.resolve();
      return await new Promise<Response>(() => undefined);
    }),
  );
  const environment = { SPROUT_DATA_DIR: api.dataDir, SPROUT_SERVER: api.url };
  const { child, ended } = start(["clusters", "wait", fakeClusterId], environment);
  await asked.promise;
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ exitCode: 130, signal: null, stdout: "" });
  expect((await ended).stderr).toMatch(/Interrupted\n$/);
});

it("ends without a word, and as by SIGPIPE, if the reader of its output has enough", async () => {
  const child = spawn(sprout, ["--help"], { env: { PATH: "/usr/bin:/bin" } });
  child.stdout.destroy();
  const [[exitCode], stderr] = await Promise.all([once(child, "exit"), text(child.stderr)]);
  expect([exitCode, stderr]).toEqual([141, ""]);
});
