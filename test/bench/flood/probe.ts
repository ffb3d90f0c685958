import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ask } from "./ask.ts";

/** What an honest client sees meanwhile, in milliseconds. */
export interface Probed {
  healthz: number[];
  claim: number[];
  /** Requests with another answer than 200, or none. */
  failures: string[];
}

export interface ProbeOptions {
  target: string;
  source: string;
  caFile: string;
  allocation: string;
  capability: string;
  mac: string;
}

const pauseMs = 100;

// Run as a process, `probe.ts OPTIONS`: asks in turn until stdin closes, each time on a connection of its own.
if (import.meta.main) {
  const {
    target,
    source,
    caFile,
    allocation,
    capability: token,
    mac,
  } = JSON.parse(process.argv[2] ?? "") as ProbeOptions;
  const ca = await readFile(caFile, "utf8");
  const body = JSON.stringify({ allocation, hardware: { macs: [mac], addresses: [source] } });
  const probed: Probed = { healthz: [], claim: [], failures: [] };
  const measure = async (times: number[], sent: Promise<number>) => {
    const started = performance.now();
    const status = await sent.catch(String);
    times.push(performance.now() - started);
    if (status !== 200) probed.failures.push(String(status));
  };
  const over = new AbortController();
  process.stdin.on("end", () => over.abort()).resume();
  while (!over.signal.aborted) {
    await measure(probed.healthz, ask({ target, source, ca, path: "/healthz" }));
    await measure(probed.claim, ask({ target, source, ca, path: "/node/v1/claim", method: "POST", token, body }));
    await delay(pauseMs);
  }
  process.stdout.write(`${JSON.stringify(probed)}\n`);
}
