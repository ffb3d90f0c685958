import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Logger } from "../logger.ts";

export interface Dnsmasq {
  /** Makes dnsmasq read its hosts file again. */
  reload(): void;
  /** Stops dnsmasq, and resolves when it has ended. */
  close(): Promise<void>;
}

interface DnsmasqOptions {
  /** Folder for configuration and process id; no other server may use it. */
  directory: string;
  config: string;
  logger: Logger;
}

const startMs = 5000;
const restMs = { first: 1000, most: 30_000 };

/**
 * Runs dnsmasq next to the server, and logs its output. Terminates one that a killed server left, and restarts its own
 * if it ends. Throws with dnsmasq's reason if it does not start.
 */
export async function startDnsmasq({ directory, config, logger }: DnsmasqOptions): Promise<Dnsmasq> {
  const files = filesIn(directory);
  await endLeftOver(directory);
  await writeFile(files.config, config, { mode: 0o644 });
  const stopping = new AbortController();
  const first = await startOnce({ files, logger, signal: stopping.signal });
  const running: { now: Running | undefined } = { now: first };
  const supervised = supervise(running, { files, logger, signal: stopping.signal });
  return {
    reload: () => running.now?.reload(),
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
  /** Resolves with its last line of output when it has ended. */
  ended: Promise<string>;
  reload(): void;
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
  if (isUp) return { ended, reload: () => void child.kill("SIGHUP") };
  child.kill();
  throw new Error(`Cannot run DHCP: dnsmasq reports "${await ended}"; install it (dnsmasq-base) and run as root`);
}

async function supervise(running: { now: Running | undefined }, options: StartOptions): Promise<void> {
  const { logger, signal } = options;
  for (let restFor = restMs.first; ; restFor = Math.min(restFor * 2, restMs.most)) {
    const startedAt = Date.now();
    const reason = await running.now?.ended;
    if (signal.aborted) return;
    if (running.now !== undefined) logger.error("dnsmasq ended; restarting", { reason });
    if (Date.now() - startedAt > restMs.most) restFor = restMs.first;
    await sleep(restFor, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    running.now = undefined;
    running.now = await startOnce(options).catch((error: unknown) => {
      if (!signal.aborted) logger.error("Cannot restart dnsmasq; retrying", { error: String(error) });
      return undefined;
    });
  }
}

/**
 * Terminates the dnsmasq that a killed server left. Another process may have its id by now, so its arguments must name
 * this configuration.
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
