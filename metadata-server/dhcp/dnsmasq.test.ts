import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { startDnsmasq } from "./dnsmasq.ts";

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

// The real dnsmasq, with neither DNS nor DHCP: what is tested is how it is run.
describe.skipIf(!findProgram("dnsmasq"))("dnsmasq beside the server", () => {
  it("runs until it is closed, its log in the server's", async () => {
    const { start, pid, log } = await create();
    const dnsmasq = await start();
    const running = await pid();
    expect(isAlive(running)).toBe(true);
    await dnsmasq.close();
    expect(isAlive(running)).toBe(false);
    expect(log[0]).toMatch(/^info dnsmasq {"message":"started, version \S+ DNS disabled"}$/);
    expect(log.filter((line) => !line.startsWith("info"))).toEqual([]);
  });

  it("tells why it does not start, in dnsmasq's own words", async () => {
    const { start, directory } = await create("dhcp-range=nonsense\n");
    await expect(start()).rejects.toThrow(
      `Cannot run DHCP: dnsmasq says "bad dhcp-range at line 1 of ${directory}/dnsmasq.conf"; it must be installed (dnsmasq-base), and run as root`,
    );
  });

  it("is started again where it ends by itself, and that is an error in the log", async () => {
    const { start, pid, log } = await create();
    const dnsmasq = await start();
    const first = await pid();
    process.kill(first, "SIGKILL");
    await expect.poll(pid, { timeout: 8000 }).not.toBe(first);
    await expect.poll(async () => isAlive(await pid())).toBe(true);
    expect(log.filter((line) => line.startsWith("error"))).toEqual([
      expect.stringContaining("dnsmasq ended, and is started again"),
    ]);
    await dnsmasq.close();
    expect(isAlive(await pid().catch(() => first))).toBe(false);
  });

  it("that a killed server left is ended by the next; any other process of that id is not", async () => {
    const { start, pid, directory } = await create();
    await writeFile(join(directory, "dnsmasq.conf"), "port=0\n");
    const args = [
      "--keep-in-foreground",
      `--conf-file=${directory}/dnsmasq.conf`,
      `--pid-file=${directory}/dnsmasq.pid`,
    ];
    const left = spawn("dnsmasq", args, { stdio: "ignore" });
    await expect.poll(() => pid().catch(() => 0)).toBe(left.pid);
    const dnsmasq = await start();
    expect(left.signalCode ?? left.exitCode).not.toBeNull();
    await dnsmasq.close();

    const bystander = spawn("sleep", ["60"], { stdio: "ignore" });
    await writeFile(join(directory, "dnsmasq.pid"), `${bystander.pid}\n`);
    await (await start()).close();
    expect(bystander.signalCode ?? bystander.exitCode).toBeNull();
    bystander.kill();
  });
});
