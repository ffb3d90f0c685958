import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import { patience } from "../fixtures/patience.ts";
import { createLabFolder, machineNetwork } from "../lab/lab-folders.ts";
import { cacheDir, kubernetesVersion, prepareImage, whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();
const project = join(import.meta.dirname, "../..");
const examples = join(project, "docs/examples/systemd");
const installed = "/opt/sprout";
const dropIn = "/etc/systemd/system/sprout.service.d";
const [clusterId, allocation] = ["c-service222222222", "a-service222222222"];

/** The folders that `npm ci --omit=dev` leaves of node_modules. */
async function listProductionPackages(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(join(project, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: true; devOptional?: true }>;
  };
  return Object.entries(packages).flatMap(([path, { dev, devOptional }]) =>
    path.startsWith("node_modules/") && !dev && !devOptional ? [path] : [],
  );
}

describe.skipIf(reason !== null)(`sprout.service in a real machine${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let folder: string;
  let provider: MachineProvider;

  const run = async (...argv: string[]) => {
    const { exitCode, stdout, stderr } = await execInMachine(
      { machinesDir: join(folder, "machines"), allocation },
      argv,
    );
    return exitCode === 0 ? stdout.trim() : `exit ${exitCode}: ${stdout}${stderr}`;
  };
  const root = (path: string) => join(folder, "machines", allocation, "root", path);
  const show = (property: string) => run("systemctl", "show", "sprout.service", "--value", `--property=${property}`);

  beforeAll(async () => {
    await prepareImage();
    folder = await createLabFolder();
    provider = createNspawnProvider({
      imagesDir: join(cacheDir, "images"),
      machinesDir: join(folder, "machines"),
      network: machineNetwork,
      serverPort: 9,
    });
    const members = [{ name: "server.service.test", role: "worker" as const, allocation }];
    const { machines, serverUrl, providerData } = await provider.reserve({ clusterId, members });
    const seed = { server: serverUrl, ca: "unused", capability: "unused" };
    const machine = { ...machines[0]!, clusterId, allocation, kubernetesVersion, providerData, seed };
    await provider.launch(machine, AbortSignal.timeout(30_000));
    const parts = ["api", "bootstrapper", "cli", "images", "lib", "metadata-server", "templates"];
    const files = ["package.json", "start.mjs", "node_modules/.bin/node"];
    await mkdir(root(`${installed}/node_modules/.bin`), { recursive: true });
    const packages = await listProductionPackages();
    // npm leaves out packages for another kind of machine.
    for (const part of [...parts, ...files, ...packages.filter((path) => existsSync(join(project, path)))])
      await cp(join(project, part), root(`${installed}/${part}`), { recursive: true, verbatimSymlinks: true });
    await cp(join(examples, "sprout.service"), root("/etc/systemd/system/sprout.service"));
    await run("useradd", "--system", "--user-group", "--home-dir", "/var/lib/sprout", "sprout");
  });

  afterAll(async () => {
    await provider.terminate({ clusterId, allocation });
    await provider.release(clusterId);
    await rm(folder, { recursive: true });
  });

  it.each([
    ["as its own user, in its sandbox", false, "sprout"],
    ["as root, with root.conf", true, "root"],
  ])("runs the server %s: it answers, and only its authority is public", async (_how, isRoot, user) => {
    if (isRoot) {
      await mkdir(root(dropIn), { recursive: true });
      await cp(join(examples, "root.conf"), root(`${dropIn}/root.conf`));
    }
    await run("systemctl", "daemon-reload");
    expect(await run("systemctl", "restart", "sprout.service")).toBe("");
    await expect.poll(() => run(`${installed}/cli/sprout`, "clusters", "list"), patience).toBe("No clusters");
    expect(await show("ActiveState")).toBe("active");
    expect(await show("NRestarts")).toBe("0");
    expect(await run("ps", "-o", "user=", "-p", await show("MainPID"))).toBe(user);
    expect(await run("find", "/var/lib/sprout", "-perm", "/077")).toBe("/var/lib/sprout/tls/ca.crt");
    expect(await run("systemctl", "stop", "sprout.service")).toBe("");
    expect(await show("Result")).toBe("success");
  });
});
