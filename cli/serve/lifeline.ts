import type { Readable } from "node:stream";

interface Lifeline {
  /** Aborted when the other end closes without having sent `keep`. */
  lost: AbortSignal;
  close(): void;
}

/**
 * Watches a pipe that the parent process holds open. The kernel closes it however the parent ends, even by a crash or a
 * kill -9.
 */
export function openLifeline(input: Readable): Lifeline {
  const lost = new AbortController();
  let received = "";
  let kept = false;
  input.setEncoding("utf8");
  input.on("data", (text: string) => {
    received = (received + text).slice(-64);
    kept ||= received.split("\n").slice(0, -1).includes("keep");
  });
  const onEnd = () => {
    if (!kept) lost.abort();
  };
  input.once("end", onEnd);
  input.once("error", onEnd);
  return { lost: lost.signal, close: () => void input.destroy() };
}
