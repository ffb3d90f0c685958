import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { ClusterPki } from "#api/cluster-pki.ts";
import { openPki } from "#api/sealed-pki.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { readEnvironment } from "../environment.ts";
import { readLaunchSecrets } from "../image/launch-secrets.ts";
import { runProgram } from "../program.ts";

/** Without any server. */
async function sprout(...argv: string[]) {
  const context = contextOf();
  const { stdout, stderr } = context;
  const exitCode = await runProgram(argv, context);
  return { exitCode, stdout: (stdout.read() as string | null) ?? "", stderr: (stderr.read() as string | null) ?? "" };
}
function contextOf() {
  const stderr = new PassThrough({ encoding: "utf8" });
  const stdout = new PassThrough({ encoding: "utf8" });
  return { stdout, stderr, environment: readEnvironment(), signal: new AbortController().signal, now: Date.now };
}
const domain = "api.build126.test";

it("creates what each role needs with mode 0600, and no key for workers", async () => {
  const folder = await temporaryFolder("pki");
  const made = await sprout("--json", "pki", "new", folder);
  expect(made).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(made.stdout)).toMatchObject({
    caCertHash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
  });
  const read = async (file: string) => ClusterPki.parse(JSON.parse(await readFile(join(folder, file), "utf8")));
  const [controlPlane, worker] = [await read("control-plane.json"), await read("worker.json")];
  expect(worker).toEqual({ role: "worker", token: controlPlane.token, pki: { "ca.crt": controlPlane.pki["ca.crt"] } });
  for (const file of ["control-plane.json", "worker.json"])
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
});

it("seals a part for each role of one cluster, which opens only for that role", async () => {
  const folder = await temporaryFolder("pki");
  await sprout("pki", "new", folder);
  const keyFile = join(folder, "image.key");
  expect(await sprout("pki", "key", keyFile)).toMatchObject({ exitCode: 0 });
  const { stdout } = await sprout("pki", "seal", folder, "--key", keyFile, "--api-server-domain", domain);
  const { master, node } = JSON.parse(stdout) as { master: string; node: string };
  const key = (await readFile(keyFile, "utf8")).trim();
  expect(
    ClusterPki.parse(JSON.parse(openPki(key, master, { role: "control-plane", apiServerDomain: domain }))),
  ).toMatchObject({
    role: "control-plane",
  });
  const other = { role: "worker" as const, apiServerDomain: domain };
  expect(JSON.parse(openPki(key, node, other))).toMatchObject({ role: "worker" });
  expect(() => openPki(key, master, other)).toThrow("authenticate");
  expect(() => openPki(key, node, { ...other, apiServerDomain: "api.build127.test" })).toThrow("authenticate");
  expect(() => openPki("A".repeat(43), node, other)).toThrow("authenticate");
  const changed = `${node.slice(0, -8)}AAAAAAAA`;
  expect(() => openPki(key, changed, other)).toThrow("authenticate");
});

it("overwrites nothing, and refuses files that are invalid or that others can read", async () => {
  const folder = await temporaryFolder("pki");
  await sprout("pki", "new", folder);
  const file = join(folder, "control-plane.json");
  const before = await readFile(file, "utf8");
  expect(await sprout("pki", "new", folder)).toMatchObject({
    exitCode: 2,
    stderr: `Error: Cannot create ${file}: it exists already; move it away first\n`,
  });
  expect(await readFile(file, "utf8")).toBe(before);
  const keyFile = join(folder, "image.key");
  const seal = ["pki", "seal", folder, "--key", keyFile, "--api-server-domain", domain];
  expect(await sprout(...seal)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("ENOENT") as string });
  await writeFile(keyFile, "short\n", { mode: 0o600 });
  expect((await sprout(...seal)).stderr).toBe(
    `Error: Cannot use ${keyFile}: it is not a key; create one with sprout pki key\n`,
  );
  await writeFile(keyFile, "A".repeat(43));
  await chmod(file, 0o644);
  expect((await sprout(...seal)).stderr).toContain("its mode 0644 gives other users access");
  await writeFile(file, JSON.stringify({ role: "control-plane", token: "x", pki: {} }));
  await chmod(file, 0o600);
  expect((await sprout(...seal)).stderr).toContain("/token: Expected a bootstrap token");
});

it("authorities are baked only on request, with a loud warning", async () => {
  const folder = await temporaryFolder("pki");
  await sprout("pki", "new", folder);
  const context = contextOf();
  expect(await readLaunchSecrets({}, context)).toEqual({});
  expect(context.stderr.read()).toBeNull();
  const { clusterPki = "" } = await readLaunchSecrets({ clusterPki: join(folder, "control-plane.json") }, context);
  expect(ClusterPki.parse(JSON.parse(clusterPki))).toMatchObject({ role: "control-plane" });
  expect(context.stderr.read()).toContain("WARNING: all clusters of this image have ONE AUTHORITY");
  await expect(readLaunchSecrets({ clusterPki: join(folder, "none.json") }, context)).rejects.toThrow("ENOENT");
});
