import type { Readable } from "node:stream";

export interface Lifeline {
  /** Aborted when the other end is gone without having said `keep`. */
  lost: AbortSignal;
  close(): void;
}

/**
 * A pipe that whoever started this process holds open: the kernel closes it however that process ends, so that a
 * crash or a kill -9 over there is noticed here.
 */
export function openLifeline(input: Readable): Lifeline {
  const lost = new AbortController();
  let said = "";
  let kept = false;
  input.setEncoding("utf8");
  input.on("data", (text: string) => {
    said = (said + text).slice(-64);
    kept ||= said.split("\n").slice(0, -1).includes("keep");
  });
  const onEnd = () => {
    if (!kept) lost.abort();
  };
  input.once("end", onEnd);
  input.once("error", onEnd);
  return { lost: lost.signal, close: () => void input.destroy() };
}
