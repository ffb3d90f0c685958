import { lstat, mkdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { installAmiFiles } from "./ami-files.ts";

const templatesDir = join(import.meta.dirname, "../../templates");
describe("installAmiFiles", () => {
  let rootfs: string;
  beforeEach(async () => {
    rootfs = await temporaryFolder("ami");
    await mkdir(join(rootfs, "etc"));
  });
  const install = () => installAmiFiles(rootfs, { templatesDir, readAhead: ["/usr/bin/kubelet", "/usr/bin/runc"] });
  const read = (path: string) => readFile(join(rootfs, path), "utf8");

  it("writes the data source and the list of files to read ahead", async () => {
    await install();
    expect(await read("etc/sprout/data-source")).toBe("ec2\n");
    expect(await read("usr/share/sprout/read-ahead")).toBe("/usr/bin/kubelet\n/usr/bin/runc\n");
    const wanted = "etc/systemd/system/sysinit.target.wants/sprout-read-ahead.service";
    expect(await readlink(join(rootfs, wanted))).toBe("/etc/systemd/system/sprout-read-ahead.service");
  });

  it("leaves only an instance's identity to cloud-init", async () => {
    await install();
    const settings = parse(await read("etc/cloud/cloud.cfg.d/96-sprout-ec2.cfg")) as Record<string, unknown>;
    expect(settings).toMatchObject({
      datasource_list: ["Ec2", "None"],
      ssh_genkeytypes: ["ed25519"],
      cloud_config_modules: ["runcmd"],
    });
  });

  it("gives pods the name servers of systemd-resolved, and keeps any other resolv.conf", async () => {
    const file = join(rootfs, "etc/resolv.conf");
    await symlink("../run/systemd/resolve/stub-resolv.conf", file);
    await install();
    expect(await readlink(file)).toBe("../run/systemd/resolve/resolv.conf");
    await install();
    expect(await readlink(file)).toBe("../run/systemd/resolve/resolv.conf");
    const other = await temporaryFolder("ami");
    await mkdir(join(other, "etc"));
    await writeFile(join(other, "etc/resolv.conf"), "nameserver 10.0.0.2\n");
    await installAmiFiles(other, { templatesDir, readAhead: [] });
    expect((await lstat(join(other, "etc/resolv.conf"))).isFile()).toBe(true);
  });
});
