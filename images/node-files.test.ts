import { lstat, mkdir, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { installNodeFiles, type NodeFilesInputs } from "./node-files.ts";
import { planRuntime } from "./runtime/runtime-origin.ts";

const templatesDir = join(import.meta.dirname, "../templates");

const isMasked = (rootfs: string, unit: string) =>
  readlink(join(rootfs, "etc/systemd/system", unit)).then(
    (target) => target === "/dev/null",
    () => false,
  );

describe("installNodeFiles", () => {
  let rootfs: string;
  let inputs: NodeFilesInputs;

  beforeEach(async () => {
    const dir = await temporaryFolder("node");
    rootfs = join(dir, "rootfs");
    await mkdir(join(rootfs, "usr/bin"), { recursive: true });
    await mkdir(join(rootfs, "etc/systemd/system/timers.target.wants"), { recursive: true });
    await writeFile(join(rootfs, "etc/resolv.conf"), "nameserver 192.0.2.1\n");
    const runtime = planRuntime("v1.37.2", "upstream");
    for (const name of ["kubeadm", "kubelet", "kubectl", "bootstrapper", ...runtime.programs])
      await writeFile(join(dir, name), name);
    inputs = {
      templatesDir,
      kubernetesBinariesDir: dir,
      runtimeDir: dir,
      runtime,
      bootstrapper: join(dir, "bootstrapper"),
      pauseImage: "registry.k8s.io/pause:3.10.2",
      kind: "bare",
    };
  });

  const read = (path: string) => readFile(join(rootfs, path), "utf8");
  const exists = (path: string) =>
    lstat(join(rootfs, path)).then(
      () => true,
      () => false,
    );
  const modeOf = async (path: string) => ((await stat(join(rootfs, path))).mode & 0o777).toString(8);

  it("renders every file and leaves no placeholder", async () => {
    await installNodeFiles(rootfs, inputs);
    expect(await read("etc/containerd/config.toml")).toContain('sandbox = "registry.k8s.io/pause:3.10.2"');
    const entries = await readdir(join(rootfs, "etc"), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(8);
    for (const file of files) expect(await readFile(file, "utf8")).not.toContain("{{");
  });

  it("installs the programs, and the templates without their code", async () => {
    await installNodeFiles(rootfs, inputs);
    for (const [path, content] of [
      ["usr/bin/kubelet", "kubelet"],
      ["usr/bin/containerd", "containerd"],
      ["usr/bin/crictl", "crictl"],
      ["usr/lib/cni/bridge", "bridge"],
      ["usr/bin/sprout-bootstrap", "bootstrapper"],
    ] as const) {
      expect(await read(path)).toBe(content);
      expect(await modeOf(path)).toBe("755");
    }
    expect(await read("usr/share/sprout/templates/systemd/kubelet.service")).toBe(
      await readFile(join(templatesDir, "systemd/kubelet.service"), "utf8"),
    );
    const templates = await readdir(join(rootfs, "usr/share/sprout/templates"), { recursive: true });
    expect(templates.filter((file) => file.endsWith(".ts"))).toEqual([]);
  });

  it("enables containerd and the bootstrapper, but not kubelet, which the bootstrapper starts", async () => {
    await installNodeFiles(rootfs, inputs);
    const units = "etc/systemd/system";
    expect((await readdir(join(rootfs, units, "multi-user.target.wants"))).toSorted()).toEqual([
      "containerd.service",
      "sprout-bootstrap.service",
    ]);
    expect(await exists(`${units}/kubelet.service`)).toBe(true);
    expect(await exists(`${units}/timers.target.wants`)).toBe(false);
    expect(await readlink(join(rootfs, units, "apt-daily.timer"))).toBe("/dev/null");
    expect(await readlink(join(rootfs, units, "default.target"))).toBe("/lib/systemd/system/multi-user.target");
  });

  it("writes the configuration of containerd 1 and omits upstream's programs if Debian's containerd is chosen", async () => {
    await installNodeFiles(rootfs, { ...inputs, runtime: planRuntime("v1.37.2", "debian") });
    expect(await read("etc/containerd/config.toml")).toContain('sandbox_image = "registry.k8s.io/pause:3.10.2"');
    expect(await exists("usr/bin/containerd")).toBe(false);
    expect(await exists("usr/lib/cni/bridge")).toBe(true);
  });

  it("keeps nothing of the host in the machine", async () => {
    await installNodeFiles(rootfs, inputs);
    expect(await read("etc/resolv.conf")).toBe("# This machine has no name server\n");
    expect(await read("etc/machine-id")).toBe("");
    expect(await exists("etc/hostname")).toBe(false);
  });

  it("names a placeholder that the image cannot fill, with file and line", async () => {
    const own = await temporaryFolder("templates");
    await mkdir(join(own, "containerd"));
    await writeFile(join(own, "containerd/config.toml"), 'version = 2\nroot = "{{containerdRoot}}"\n');
    await expect(installNodeFiles(rootfs, { ...inputs, templatesDir: own })).rejects.toThrow(
      'Cannot render template: containerd/config.toml:2: unknown placeholder "containerdRoot"',
    );
  });

  describe("installNodeFiles on a cloud instance", () => {
    it("keeps mounts, name servers, identity and the wants of the instance's own units", async () => {
      await writeFile(join(rootfs, "etc/fstab"), "PARTUUID=0a / ext4\n");
      await writeFile(join(rootfs, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
      const wants = "etc/systemd/system/multi-user.target.wants";
      await mkdir(join(rootfs, wants), { recursive: true });
      await writeFile(join(rootfs, wants, "ssh.service"), "");
      await installNodeFiles(rootfs, { ...inputs, kind: "cloud" });
      expect(await read("etc/fstab")).toBe("PARTUUID=0a / ext4\n");
      expect(await read("etc/resolv.conf")).toBe("nameserver 192.0.2.1\n");
      expect(await read("etc/machine-id")).toContain("0123");
      expect(await exists(join(wants, "ssh.service"))).toBe(true);
      expect(await exists(join(wants, "sprout-bootstrap.service"))).toBe(true);
    });

    it("removes timers and Debian's updates, and keeps logins", async () => {
      await installNodeFiles(rootfs, { ...inputs, kind: "cloud" });
      expect(await exists("etc/systemd/system/timers.target.wants")).toBe(false);
      for (const unit of ["unattended-upgrades.service", "apt-daily.timer", "man-db.timer"])
        expect([unit, await isMasked(rootfs, unit)]).toEqual([unit, true]);
      for (const unit of ["getty.target", "systemd-logind.service", "systemd-remount-fs.service"])
        expect([unit, await isMasked(rootfs, unit)]).toEqual([unit, false]);
    });

    it("changes nothing when it runs again", async () => {
      await installNodeFiles(rootfs, { ...inputs, kind: "cloud" });
      const before = await readdir(rootfs, { recursive: true });
      await installNodeFiles(rootfs, { ...inputs, kind: "cloud" });
      expect(await readdir(rootfs, { recursive: true })).toEqual(before);
    });
  });
});
