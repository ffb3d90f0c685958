import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { files, readyWorker } from "../fixtures/simulated-nodes.ts";

const loopback = "nameserver 127.0.0.53\noptions edns0 trust-ad\n";
const podFile = "/var/lib/kubelet/resolv.conf";

async function workerWith(resolvConfs: Record<string, string>) {
  const machine = await readyWorker();
  for (const [path, text] of Object.entries(resolvConfs)) {
    await mkdir(dirname(join(machine.root, path)), { recursive: true });
    await writeFile(join(machine.root, path), text);
  }
  const read = (path: string) => readFile(join(machine.root, path), "utf8");
  const kubeletConfig = async () => parse(await read("var/lib/kubelet/config.yaml")) as unknown;
  return { ...machine, read, kubeletConfig };
}

describe("sprout-bootstrap on a machine whose only name server is on loopback (simulated)", () => {
  it("gives pods the servers behind systemd-resolved, and leaves the machine's file", async () => {
    const systemd = "/run/systemd/resolve/resolv.conf";
    const machine = await workerWith({ "etc/resolv.conf": loopback, [systemd]: "nameserver 10.0.0.2\n" });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(await machine.kubeletConfig()).toHaveProperty("resolvConf", systemd);
    expect(await machine.read("etc/resolv.conf")).toBe(loopback);
  });

  it("writes a file for pods if there is no other server, as `plan` shows, and a reset removes it", async () => {
    const machine = await workerWith({ "etc/resolv.conf": loopback });
    const own = "nameserver 127.0.0.1\n";
    const { stdout } = await machine.run("plan");
    expect(stdout).toContain(`--- ${podFile} (644)\n${own}`);
    expect(stdout).toContain(`resolvConf: "${podFile}"`);
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(await machine.kubeletConfig()).toHaveProperty("resolvConf", podFile);
    expect(await machine.read(podFile)).toBe(own);
    expect(await machine.read("etc/resolv.conf")).toBe(loopback);
    expect(await machine.run("reset")).toMatchObject({ exitCode: 0 });
    expect(await files(machine.root, "var/lib/kubelet")).toEqual([]);
    expect(await machine.read("etc/resolv.conf")).toBe(loopback);
  });
});
