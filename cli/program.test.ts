import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, expect, it } from "vitest";
import type { ClusterState } from "#api/cluster.ts";
import { fakeCluster, fakeClusterId, fakeEvents, toServerSent } from "../test/fakes/fake-api.ts";
import packageJson from "../package.json" with { type: "json" };
import { runSprout } from "../test/fixtures/run-sprout.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

it.for([
  [
    ["clusters", "create", "--nodes", "four"],
    "option '--nodes <N>' argument 'four' is invalid. Expected a whole number",
  ],
  [["clusters", "create", "--nodes", "-1"], "option '--nodes <N>' argument '-1' is invalid. Expected a whole number"],
  [
    ["clusters", "create", "--workers", "1.5"],
    "option '--workers <N>' argument '1.5' is invalid. Expected a whole number",
  ],
  [
    ["clusters", "create", "--ttl", "tomorrow"],
    "option '--ttl <DURATION>' argument 'tomorrow' is invalid. Expected a duration such as 90s, 15m, 24h or 7d",
  ],
  [
    ["clusters", "create", "--deadline", "3w"],
    "option '--deadline <DURATION>' argument '3w' is invalid. Expected a duration such as 90s, 15m, 24h or 7d",
  ],
  [
    ["clusters", "create", "--label", "job"],
    "option '--label <KEY=VALUE>' argument 'job' is invalid. Expected KEY=VALUE",
  ],
  [
    ["clusters", "user-data", "b", "node01", "--format", "xml"],
    "option '--format <FORMAT>' argument 'xml' is invalid. Allowed choices are json, seed, cloud-config.",
  ],
  [
    ["clusters", "wait", "b", "--for", "pretty"],
    "option '--for <CONDITION>' argument 'pretty' is invalid. Allowed choices are ready, available, deleted.",
  ],
  [
    ["clusters", "list", "--state", "up"],
    "option '--state <STATE>' argument 'up' is invalid. Allowed choices are pending, provisioning, bootstrapping, ready, failed, deleting, deleted.",
  ],
  [
    ["clusters", "create", "--nodes", "2", "--wait", "pretty"],
    "option '--wait <CONDITION>' argument 'pretty' is invalid. Allowed choices are ready, available.",
  ],
  [["clusters", "extend", "a"], "required option '--ttl <DURATION>' not specified"],
  [["clusters", "get"], "missing required argument 'CLUSTER'"],
  [["clusters", "get", "a", "b"], "too many arguments for 'get'. Expected 1 argument but got 2: a, b."],
  [["clusters", "create", "--colour"], "unknown option '--colour'"],
  [["clusters", "explode"], "unknown command 'explode'"],
  [["--server"], "option '--server <URL>' argument missing"],
] as const)("%j is wrong usage: exit code 2 and the reason", async ([argv, message]) => {
  const requests: string[] = [];
  const ended = await runSprout([...argv], (app) =>
    app.all("*", (c) => {
      requests.push(c.req.path);
      return c.notFound();
    }),
  );
  expect(ended).toEqual({ exitCode: 2, stdout: "", stderr: `error: ${message}\n(see --help)\n` });
  expect(requests).toEqual([]);
});

it("extending sends the seconds from now and prints when the cluster is deleted", async () => {
  const ended = await runSprout(["clusters", "extend", fakeClusterId, "--ttl", "24h"], (app) =>
    app.patch(`/v1/clusters/${fakeClusterId}`, async (c) => {
      expect(await c.req.json()).toEqual({ ttlSeconds: 86_400 });
      return c.json(fakeCluster({ expiresAt: "2026-01-02T00:05:00.000Z" }));
    }),
  );
  expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "build126 is deleted at 2026-01-02T00:05:00.000Z\n" });
});

it("the version goes to stdout, and nothing else", async () => {
  const { version } = packageJson;
  expect(await runSprout(["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
});

it("help goes to stdout with the exit codes, and succeeds", async () => {
  const { exitCode, stdout, stderr } = await runSprout(["--help"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("  4    not done in time\n");
});

it("prints the created cluster as one document and nothing else with --json and without waiting", async () => {
  const ended = await runSprout(["clusters", "create", "build126", "--nodes", "2", "--no-wait", "--json"], (app) =>
    app.post("/v1/clusters", async (c) =>
      c.json(fakeCluster({ labels: { seen: JSON.stringify(await c.req.json()) } }), 202),
    ),
  );
  expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(ended.stdout)).toEqual(
    fakeCluster({ labels: { seen: '{"name":"build126","nodes":2,"provider":"nspawn"}' } }),
  );
});

const bringUp = (state: ClusterState) =>
  fakeEvents(
    { ms: 10, type: "cluster", state: "provisioning" },
    { ms: 8000, type: "phase", member: "cp01.build126.sprout.internal", phase: "verify", state: "started" },
    {
      ms: 8420,
      type: "phase",
      member: "cp01.build126.sprout.internal",
      phase: "verify",
      state: "done",
      durationMs: 420,
    },
    { ms: 8420, type: "cluster", state },
  );

const defineBringUp = (app: Hono, settled: ReturnType<typeof fakeCluster>) => {
  app.get("/v1/clusters/:id/events", (c) =>
    c.body(bringUp(settled.state).map(toServerSent).join(""), 200, { "content-type": "text/event-stream" }),
  );
  app.get("/v1/clusters/:id", (c) => c.json(settled));
};

it("waiting prints one line a change on stderr without a terminal, and the time at the end", async () => {
  const ready = fakeCluster({ state: "ready", readyAt: "2026-01-01T00:00:08.420Z" });
  const ended = await runSprout(["clusters", "wait", fakeClusterId, "--for", "ready"], (app) =>
    defineBringUp(app, ready),
  );
  expect(ended).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: [
      "   0.01 s  cluster   provisioning",
      "   8.42 s  cp01      verify done in 0.42 s",
      "   8.42 s  cluster   ready",
      "build126 is ready after 8.42 s; slowest step: verify on cp01, 0.42 s",
      "",
    ].join("\n"),
  });
});

it("waiting for a cluster that fails ends with exit code 1 and names each missing peer", async () => {
  const missing = [{ name: "node01.build126.sprout.internal", lastPhase: "none", lastReportAgoMs: null }];
  const failed = fakeCluster({ state: "failed", failure: { message: "1 of 2 nodes is missing", missing } });
  const { exitCode, stderr } = await runSprout(["clusters", "wait", fakeClusterId, "--for", "ready"], (app) =>
    defineBringUp(app, failed),
  );
  expect(exitCode).toBe(1);
  expect(stderr.split("\n").slice(-4)).toEqual([
    "build126 is failed, not ready",
    "Failure: 1 of 2 nodes is missing",
    "  missing node01.build126.sprout.internal: last step none, never called",
    "",
  ]);
});

it("a verdict counts even if the event stream is broken", async () => {
  const ready = fakeCluster({ state: "ready", readyAt: "2026-01-01T00:00:08.420Z" });
  const { exitCode, stderr } = await runSprout(["clusters", "wait", fakeClusterId, "--for", "ready"], (app) => {
    app.get("/v1/clusters/:id/events", (c) => c.text("no stream today"));
    app.get("/v1/clusters/:id", (c) => c.json(ready));
  });
  expect(exitCode).toBe(0);
  expect(stderr).toContain(
    'The timeline stops here: Cannot understand the server\'s answer: expected content type text/event-stream, got "text/plain"',
  );
});

it("events with --json are printed one a line", async () => {
  const ready = fakeCluster({ state: "ready" });
  const { stdout } = await runSprout(["clusters", "events", fakeClusterId, "--json"], (app) =>
    defineBringUp(app, ready),
  );
  expect(stdout.split("\n").map((line) => (line === "" ? null : (JSON.parse(line) as unknown)))).toEqual([
    ...bringUp("ready"),
    null,
  ]);
});

it("a kubeconfig is written for its owner only, whole, over an older one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sprout-kubeconfig-"));
  folders.push(folder);
  const file = join(folder, "config");
  for (const text of ["old", "apiVersion: v1\n"]) {
    const ended = await runSprout(["clusters", "kubeconfig", fakeClusterId, "-o", file, "--ttl", "2h"], (app) =>
      app.get("/v1/clusters/:id/kubeconfig", (c) =>
        c.req.query("ttlSeconds") === "7200" ? c.text(text) : c.text("wrong lifetime"),
      ),
    );
    expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(await readFile(file, "utf8")).toBe(text);
  }
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

it("a kubeconfig that cannot be written is an error that names the file", async () => {
  const ended = await runSprout(["clusters", "kubeconfig", fakeClusterId, "-o", "/nonexistent/config"], (app) =>
    app.get("/v1/clusters/:id/kubeconfig", (c) => c.text("apiVersion: v1\n")),
  );
  expect(ended).toMatchObject({ exitCode: 1, stdout: "" });
  expect(ended.stderr).toMatch(/^Error: ENOENT: no such file or directory, open '\/nonexistent\/config/);
});

const answerUserData = (app: Hono) =>
  app.post("/v1/clusters/:id/members/:name/user-data", (c) =>
    c.text(`${c.req.param("name")} ${c.req.query("format") ?? "none"}\n`),
  );

it("user-data is requested in the given format, and written for its owner only", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sprout-user-data-"));
  folders.push(folder);
  const file = join(folder, "node01.yaml");
  const command = ["clusters", "user-data", fakeClusterId, "node01.a.test"];
  expect(await runSprout(command, answerUserData)).toEqual({ exitCode: 0, stdout: "node01.a.test json\n", stderr: "" });
  const ended = await runSprout([...command, "--format", "cloud-config", "-o", file], answerUserData);
  expect(ended).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(await readFile(file, "utf8")).toBe("node01.a.test cloud-config\n");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

it("a name that no live cluster has ends with exit code 3", async () => {
  const ended = await runSprout(["clusters", "delete", "nope"], (app) =>
    app.get("/v1/clusters", (c) => c.json({ clusters: [], next: null })),
  );
  expect(ended).toEqual({
    exitCode: 3,
    stdout: "",
    stderr: 'Error: No cluster is named "nope"; see "sprout clusters list"\n',
  });
});
