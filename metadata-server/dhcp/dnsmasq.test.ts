import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { startDnsmasq } from "./dnsmasq.ts";
import { patience } from "../../test/fixtures/patience.ts";

const create = async (config = "port=0\n") => {
  const directory = await temporaryFolder("dnsmasq");
  const log: string[] = [];
  const write = (level: string) => (message: string, fields?: object) =>
    void log.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const logger = { info: write("info"), warn: write("warn"), error: write("error") };
  const pid = async () => Number(await readFile(join(directory, "dnsmasq.pid"), "utf8"));
  return { directory, log, pid, start: () => startDnsmasq({ directory, config, logger }) };
};
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

// The real dnsmasq, without DNS and DHCP: the test is about its process.
describe.skipIf(!findProgram("dnsmasq"))("startDnsmasq", () => {
  it("runs dnsmasq until it is closed, and logs its output", async () => {
    const { start, pid, log } = await create();
    const dnsmasq = await start();
    const running = await pid();
    expect(isAlive(running)).toBe(true);
    await dnsmasq.close();
    expect(isAlive(running)).toBe(false);
    expect(log[0]).toMatch(/^info dnsmasq {"message":"started, version \S+ DNS disabled"}$/);
    expect(log.filter((line) => !line.startsWith("info"))).toEqual([]);
  });

  it("makes dnsmasq read its hosts file again", async () => {
    const hosts = join(await temporaryFolder("hosts"), "hosts");
    await writeFile(hosts, "");
    const { start, log } = await create(
      `port=0\ninterface=lo\nbind-interfaces\ndhcp-range=127.0.0.2,127.0.0.3,1h\ndhcp-hostsfile=${hosts}\n`,
    );
    const dnsmasq = await start();
    const reads = () => log.filter((line) => line.includes("hosts")).length;
    await expect.poll(reads, patience).toBe(1);
    dnsmasq.reload();
    await expect.poll(reads, patience).toBe(2);
    await dnsmasq.close();
  });

  it("throws with dnsmasq's message if it does not start", async () => {
    const { start, directory } = await create("dhcp-range=nonsense\n");
    await expect(start()).rejects.toThrow(
      `Cannot run DHCP: dnsmasq reports "bad dhcp-range at line 1 of ${directory}/dnsmasq.conf"; install it (dnsmasq-base) and run as root`,
    );
  });

  it("restarts dnsmasq if it ends, and logs an error", async () => {
    const { start, pid, log } = await create();
    const dnsmasq = await start();
    const first = await pid();
    process.kill(first, "SIGKILL");
    await expect.poll(pid, patience).not.toBe(first);
    await expect.poll(async () => isAlive(await pid()), patience).toBe(true);
    expect(log.filter((line) => line.startsWith("error"))).toEqual([
      expect.stringContaining("dnsmasq ended; restarting"),
    ]);
    await dnsmasq.close();
    expect(isAlive(await pid().catch(() => first))).toBe(false);
  });

  it("terminates the dnsmasq that a killed server left, but no other process with its id", async () => {
    const { start, pid, directory } = await create();
    await writeFile(join(directory, "dnsmasq.conf"), "port=0\n");
    const args = [
      "--keep-in-foreground",
      `--conf-file=${directory}/dnsmasq.conf`,
      `--pid-file=${directory}/dnsmasq.pid`,
    ];
    const left = spawn("dnsmasq", args, { stdio: "ignore" });
    await expect.poll(() => pid().catch(() => 0), patience).toBe(left.pid);
    const dnsmasq = await start();
    await expect.poll(() => left.signalCode ?? left.exitCode).not.toBeNull();
    await dnsmasq.close();

    const bystander = spawn("sleep", ["60"], { stdio: "ignore" });
    await writeFile(join(directory, "dnsmasq.pid"), `${bystander.pid}\n`);
    await (await start()).close();
    expect(bystander.signalCode ?? bystander.exitCode).toBeNull();
    bystander.kill();
  });
});
