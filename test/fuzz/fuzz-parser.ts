import * as fc from "fast-check";
import type { FuzzedParser } from "./fuzzed-parser.ts";
import { describeFlaw, isRefusal } from "./refusal.ts";
import { spoiledText } from "./spoiled-text.ts";

/** A run that can be repeated: with seed and path fast-check makes the same text again. */
export interface Failure {
  parser: string;
  seed: number;
  path: string;
}

interface FuzzOptions {
  seed: number;
  /** Repeats one text alone. */
  path?: string;
  /** Ends after this time. */
  forMs: number;
  maxRuns?: number;
  /** A parser that takes longer hangs: it waits for what does not come. On a busy machine any parser takes long. */
  hangMs?: number;
}

export interface FuzzOutcome {
  runs: number;
  failure?: Failure & { reason: string };
}

/**
 * Gives spoiled texts to a parser. It fails if it throws anything but a refusal that can be read, takes too long, or
 * hangs.
 */
export async function fuzzParser(
  parser: FuzzedParser,
  { seed, path, forMs, maxRuns = 1e9, hangMs = 120_000 }: FuzzOptions,
): Promise<FuzzOutcome> {
  const property = fc.asyncProperty(spoiledText(parser.samples, parser.maxLength), (text) => judge(parser, text));
  const details = await fc.check(property, {
    seed,
    numRuns: maxRuns,
    interruptAfterTimeLimit: forMs,
    timeout: hangMs,
    ...(path !== undefined && { path, endOnFailure: true }),
  });
  // Without a run in its time the check is interrupted, which is no failure.
  if (!details.failed || details.counterexamplePath === null) return { runs: details.numRuns };
  const reason = String(details.errorInstance);
  return { runs: details.numRuns, failure: { parser: parser.name, seed, path: details.counterexamplePath, reason } };
}

async function judge(parser: FuzzedParser, text: string): Promise<void> {
  // The first parse of a kind of text is slow, so a slow one gets two more chances.
  let tookMs = 0;
  for (let chance = 0; chance < 3; chance += 1) {
    tookMs = await timeOf(parser, text);
    if (tookMs <= parser.limitMs) return;
  }
  throw new Error(`took ${Math.round(tookMs)} ms for ${text.length} characters`);
}

/** Processor time of this thread: on a busy machine the clock says nothing. */
async function timeOf(parser: FuzzedParser, text: string): Promise<number> {
  const before = process.threadCpuUsage();
  try {
    await parser.parse(text);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const flaw = describeFlaw(error);
    if (flaw !== undefined) throw new Error(flaw, { cause: error });
  }
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
