import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLabFolder } from "../lab/lab-folders.ts";
import { cacheDir, prepareImage, startLab, whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();
const sprout = join(import.meta.dirname, "../../cli/sprout");
const bridge = join(import.meta.dirname, "../fixtures/bridge-cni.yaml");

describe.skipIf(reason !== null)(
  `an image with custom templates and files${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let folder: string;

    /** Downloads and builds are shared with other tests; the images belong to this test. */
    beforeAll(async () => {
      await prepareImage();
      folder = await createLabFolder();
      const shared = (await readdir(cacheDir)).filter((name) => name !== "images");
      for (const name of shared) await symlink(join(cacheDir, name), join(folder, name));
      await mkdir(join(folder, "templates/etc"), { recursive: true });
    });

    afterAll(() => rm(folder, { recursive: true }));

    const bake = (...flags: string[]) =>
      execa(sprout, ["image", "bake", "--cache-dir", folder, "--templates", join(folder, "templates"), ...flags], {
        reject: false,
      });

    const bakedAt = async () => {
      const { stdout } = await bake("--network-manifest", bridge, "--if-needed", "--json");
      return (JSON.parse(stdout) as { manifest: { bakedAt: string } }[])[0]?.manifest.bakedAt;
    };

    it("refuses to bake while any file is wrong, and names every fault", async () => {
      await writeFile(join(folder, "templates/etc/hosts"), "{{adress}} {{name}}\n{{#others}}\n");
      await writeFile(join(folder, "templates/hosts"), "");
      const { exitCode, stderr } = await bake();
      expect(exitCode).toBe(1);
      expect(stderr).toContain('etc/hosts:1: unknown placeholder "adress"');
      expect(stderr).toContain('etc/hosts:2: unclosed section "others"');
      expect(stderr).toMatch(/hosts: replaces no template; the templates are: .*cni\/10-sprout.conflist, /);
      expect(await readdir(folder)).not.toContain("images");
      await rm(join(folder, "templates/hosts"));
    });

    it("brings up machines with the custom template and the named network", async () => {
      await writeFile(
        join(folder, "templates/etc/hosts"),
        "127.0.0.1 localhost\n{{address}} {{name}}\n{{#endpoint}}\n{{address}} {{host}} # own\n{{/endpoint}}\n",
      );
      const baked = await bake("--network-manifest", bridge, "--json");
      expect([baked.exitCode, baked.stderr]).toEqual([0, expect.any(String)]);
      const [image] = JSON.parse(baked.stdout) as { manifest: { templates: { file: string }[] } }[];
      expect(image?.manifest.templates.map(({ file }) => file)).toContain("networks/bridge-cni.yaml");

      const lab = await startLab((provider) => provider, { imagesDir: join(folder, "images") });
      try {
        const network = { plugin: "manifest", baked: "bridge-cni.yaml" };
        const created = await lab.client.create({ name: "baked", nodes: 2, provider: "nspawn", network });
        const cluster = await lab.client.wait(created.id, { condition: "available", timeoutMs: 220_000 });
        expect(cluster).toMatchObject({
          state: "ready",
          failure: null,
          network,
          availableAt: expect.any(String) as string,
        });
        for (const { allocation } of cluster.members) {
          const machine = { machinesDir: lab.machinesDir, allocation };
          expect((await execInMachine(machine, ["cat", "/etc/hosts"])).stdout).toContain(
            "api.baked.sprout.internal # own",
          );
          expect((await execInMachine(machine, ["ls", "/etc/cni/net.d"])).stdout).toBe("10-test.conflist");
        }
      } finally {
        await lab.close();
      }
    });

    it("reuses the image while none of the files has changed", async () => {
      const before = await bakedAt();
      expect(await bakedAt()).toBe(before);
    });
  },
);
