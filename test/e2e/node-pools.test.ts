import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { slowness } from "../fixtures/slowness.ts";
import { createLabFolder } from "../lab/lab-folders.ts";
import { heldPod } from "../lab/held-pod.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { cacheDir, type Lab, kubernetesVersion, prepareImage, startLab, whyNoMachines } from "../lab/lab.ts";
import { execInMachine, killMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();
const sprout = join(import.meta.dirname, "../../cli/sprout");
const gently = { drainTimeoutSeconds: 120, force: false };

const held = heldPod({ nodeSelector: { "sprout.internal/node-pool": "gpu" } });

describe.skipIf(reason !== null)(
  `a node pool with another image${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let folder: string;
    let lab: Lab;
    let cluster: Cluster;
    let kubectl: Kubectl;
    let slower = 1;

    const within = (seconds: number) => ({ timeout: seconds * 1000 * slower, interval: 250 });
    const states = async () =>
      (await lab.client.get(cluster.id)).members.map(({ name, state }) => `${name.split(".")[0]} ${state}`);
    const pool = async () => (await lab.client.get(cluster.id)).nodePools[1];
    const scale = (workers: number, drain = gently) => lab.client.scale(cluster.id, "gpu", { workers, ...drain });
    const labelled = async () =>
      (await kubectl(["get", "nodes", "-l", "sprout.internal/node-pool=gpu", "-o", "name"]))
        .split("\n")
        .map((name) => name.split(/[/.]/)[1]);
    /** Names of the machines that boot the pool's image. */
    async function customized(): Promise<(string | undefined)[]> {
      const { members } = await lab.client.get(cluster.id);
      const found = await Promise.all(
        members.map(async ({ name, allocation }) => {
          const { stdout } = await execInMachine({ machinesDir: lab.machinesDir, allocation }, ["cat", "/etc/hosts"]);
          return stdout.includes("# of the pool") ? name.split(".")[0] : [];
        }),
      );
      return found.flat();
    }

    beforeAll(async () => {
      const { image, kubectl: program } = await prepareImage();
      slower = await slowness();
      folder = await createLabFolder();
      const shared = (await readdir(cacheDir)).filter((name) => name !== "images");
      for (const name of shared) await symlink(join(cacheDir, name), join(folder, name));
      await mkdir(join(folder, "images"));
      await symlink(image.dir, join(folder, "images", kubernetesVersion));
      await mkdir(join(folder, "templates/etc"), { recursive: true });
      await writeFile(
        join(folder, "templates/etc/hosts"),
        "127.0.0.1 localhost\n{{address}} {{name}} # of the pool\n{{#endpoint}}\n{{address}} {{host}}\n{{/endpoint}}\n",
      );
      const templates = ["--templates", join(folder, "templates")];
      await execa(sprout, ["image", "bake", "--cache-dir", folder, "--name", "gpu", ...templates]);
      lab = await startLab((provider) => provider, { imagesDir: join(folder, "images") });
      const created = await lab.client.create({
        name: "pools",
        controlPlanes: 1,
        workers: 1,
        nodePools: [{ name: "gpu", workers: 1, image: "gpu" }],
        maxUnhealthy: 1,
        provider: "nspawn",
      });
      cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 280_000 });
      if (cluster.failure !== null) throw new Error(cluster.failure.message);
      kubectl = await createLabKubectl(lab, { clusterId: cluster.id, program, timeoutMs: 900_000 });
    }, 1_200_000);
    afterAll(async () => {
      await lab.close();
      await rm(folder, { recursive: true });
    });

    it("has Nodes with the pool's label, on machines with the pool's image", async () => {
      expect(await states()).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
      expect(await labelled()).toEqual(["node02"]);
      expect(await customized()).toEqual(["node02"]);
    });

    it("grows by two within 30 s, while the plain workers stay as they are", async () => {
      await scale(3);
      await expect.poll(pool, within(30)).toMatchObject({ workers: 3, members: 3, ready: 3 });
      expect(await labelled()).toEqual(["node02", "node03", "node04"]);
      expect(await customized()).toEqual(["node02", "node03", "node04"]);
      expect((await lab.client.get(cluster.id)).nodePools[0]).toMatchObject({ workers: 1, members: 1 });
    });

    it("replaces a worker that was killed by one of the same pool and image, within 60 s", async () => {
      const { allocation } = (await lab.client.get(cluster.id)).members[3]!;
      await killMachine({ machinesDir: lab.machinesDir, allocation });
      const after = ["cp01 ready", "node01 ready", "node02 ready", "node04 ready", "node05 ready"];
      await expect.poll(states, within(60)).toEqual(after);
      expect(await labelled()).toEqual(["node02", "node04", "node05"]);
      expect(await customized()).toEqual(["node02", "node04", "node05"]);
    });

    it("shrinks to its oldest worker within 30 s, also if it was just asked to grow", async () => {
      await scale(4);
      await scale(1);
      await expect.poll(states, within(30)).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
      await expect.poll(labelled, within(10)).toEqual(["node02"]);
    });

    it("keeps a worker whose pod a budget holds, and says so", async () => {
      await kubectl(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "List", items: held }) });
      await kubectl(["wait", "pod/held", "--for=condition=Ready", "--timeout=60s"]);
      await scale(0, { drainTimeoutSeconds: 5, force: false });
      await expect.poll(states, within(30)).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
      const kept = await lab.client.get(cluster.id);
      expect(kept.nodePools[1]).toMatchObject({ workers: 0, members: 1 });
      expect(kept.members[2]?.detachFailure?.error).toContain("default/held (The disruption budget held needs 1");
      await scale(0, { drainTimeoutSeconds: 1, force: true });
      await expect.poll(states, within(30)).toEqual(["cp01 ready", "node01 ready"]);
    });
  },
  600_000,
);
