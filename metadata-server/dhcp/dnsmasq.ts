import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Logger } from "../logger.ts";

export interface Dnsmasq {
  /** Ends it; resolves when it has ended. */
  close(): Promise<void>;
}

export interface DnsmasqOptions {
  /** Of this server alone: configuration and process id are kept there. */
  directory: string;
  config: string;
  logger: Logger;
}

const startMs = 5000;
const restMs = { first: 1000, most: 30_000 };

/**
 * Runs dnsmasq beside the server, its log in ours. One that a killed server left is ended first. Where it ends by itself
 * later it is started again. Throws with dnsmasq's own reason where it does not start.
 */
export async function startDnsmasq({ directory, config, logger }: DnsmasqOptions): Promise<Dnsmasq> {
  const files = filesIn(directory);
  await endLeftOver(directory);
  await writeFile(files.config, config, { mode: 0o644 });
  const stopping = new AbortController();
  const first = await startOnce({ files, logger, signal: stopping.signal });
  const supervised = supervise(first, { files, logger, signal: stopping.signal });
  return {
    async close() {
      stopping.abort();
      await supervised;
      await rm(files.pid, { force: true });
    },
  };
}

const filesIn = (directory: string): Files => ({
  config: join(directory, "dnsmasq.conf"),
  pid: join(directory, "dnsmasq.pid"),
});

interface Files {
  config: string;
  pid: string;
}

interface Running {
  /** Its last words, when it has ended. */
  ended: Promise<string>;
}

interface StartOptions {
  files: Files;
  logger: Logger;
  signal: AbortSignal;
}

async function startOnce({ files, logger, signal }: StartOptions): Promise<Running> {
  const args = ["--keep-in-foreground", "--log-facility=-", `--conf-file=${files.config}`, `--pid-file=${files.pid}`];
  const child = execa("dnsmasq", args, {
    stdin: "ignore",
    stdout: "ignore",
    reject: false,
    buffer: false,
    cancelSignal: signal,
    forceKillAfterDelay: 2000,
  });
  let last = "";
  const { promise: started, resolve } = Promise.withResolvers<true>();
  const lines = (async () => {
    for await (const line of child.iterable({ from: "stderr" })) {
      last = toMessage(line);
      log(logger, last);
      if (last.startsWith("started, ")) resolve(true);
    }
  })();
  const ended = Promise.all([child, lines.catch(() => undefined)]).then(([{ exitCode, shortMessage }]) =>
    exitCode === undefined && last === "" ? (shortMessage ?? "it did not start") : last,
  );
  const isUp = await Promise.race([started, ended.then(() => false), sleep(startMs, false, { ref: false })]);
  if (isUp) return { ended };
  child.kill();
  throw new Error(
    `Cannot run DHCP: dnsmasq says "${await ended}"; it must be installed (dnsmasq-base), and run as root`,
  );
}

async function supervise(first: Running, options: StartOptions): Promise<void> {
  const { logger, signal } = options;
  let running: Running | undefined = first;
  for (let restFor = restMs.first; ; restFor = Math.min(restFor * 2, restMs.most)) {
    const startedAt = Date.now();
    const reason = await running?.ended;
    if (signal.aborted) return;
    if (running !== undefined) logger.error("dnsmasq ended, and is started again", { reason });
    if (Date.now() - startedAt > restMs.most) restFor = restMs.first;
    await sleep(restFor, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    running = await startOnce(options).catch((error: unknown) => {
      if (!signal.aborted) logger.error("Cannot start dnsmasq again", { error: String(error) });
      return undefined;
    });
  }
}

/**
 * Ends the dnsmasq that a killed server left. The process of that id may be anybody's by now; ours has our configuration in
 * its arguments.
 */
export async function endLeftOver(directory: string): Promise<void> {
  const files = filesIn(directory);
  const pid = Number(await readFile(files.pid, "utf8").catch(() => ""));
  const commandLine = () => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  if (!(pid > 1) || !(await commandLine()).split("\0").includes(`--conf-file=${files.config}`)) return;
  process.kill(pid, "SIGTERM");
  for (let tries = 0; tries < 100 && (await commandLine()) !== ""; tries += 1) await sleep(20);
}

/** `dnsmasq: cannot …` or, once it runs, `dnsmasq-dhcp: DHCPACK(…) …`. */
const toMessage = (line: string) => line.replace(/^(\S+ +\d+ [\d:]+ )?dnsmasq(-\w+)?(\[\d+\])?: */, "").trim();

const isProblem = /cannot|failed|unknown|error|no address range|not using|ignored|out of/i;

function log(logger: Logger, message: string): void {
  if (isProblem.test(message)) logger.warn("dnsmasq", { message });
  else logger.info("dnsmasq", { message });
}
