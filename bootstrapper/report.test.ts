import { describe, expect, it } from "vitest";
import type { Report } from "#api/report.ts";
import { BootstrapError } from "./errors.ts";
import { createReporter } from "./report.ts";
import { RetryableError } from "./server/retry.ts";

const allocation = "a-aaaaaaaaaaaaaaaa";
const create = (write: (line: string) => void = () => {}) =>
  createReporter({ write, redact: (text) => text.replaceAll("secret", "[redacted]"), retryDelayMs: 1 });

describe("createReporter", () => {
  it("sends in order, each once, what was reported before and while the server was away", async () => {
    const reporter = create();
    const sent: Report[] = [];
    let away = 3;
    reporter.report("discover", "started");
    reporter.report("discover", "done", { durationMs: 4.4 });
    reporter.start(allocation, async (report) => {
      if (away-- > 0) throw new RetryableError("connection refused", { retryAfterMs: 1 });
      sent.push(report);
    });
    reporter.report("metadata", "started");
    expect(await reporter.flush(AbortSignal.timeout(2000))).toBe(0);
    expect(sent).toEqual([
      { allocation, sequence: 1, phase: "discover", state: "started" },
      { allocation, sequence: 2, phase: "discover", state: "done", durationMs: 4 },
      { allocation, sequence: 3, phase: "metadata", state: "started" },
    ]);
  });

  it("redacts the error and the log's tail, and says the exit code with the last report", async () => {
    const lines: string[] = [];
    const sent: Report[] = [];
    const reporter = create((line) => lines.push(line));
    reporter.start(allocation, async (report) => {
      sent.push(report);
    });
    const error = new BootstrapError("kubernetes", "kubeadm said secret", { logTail: "the secret again" });
    reporter.report("static-pods", "failed", { error, final: true, durationMs: 1 });
    await reporter.flush(AbortSignal.timeout(2000));
    expect(sent[0]).toMatchObject({ error: "kubeadm said [redacted]", logTail: "the [redacted] again", exitCode: 4 });
    expect(lines.join("")).not.toContain("secret");
  });

  it("gives up a report that is refused and goes on with the next", async () => {
    const lines: string[] = [];
    const sent: number[] = [];
    const reporter = create((line) => lines.push(line));
    reporter.report("claim", "started");
    reporter.report("claim", "done");
    reporter.start(allocation, async ({ sequence }) => {
      if (sequence === 1) throw new BootstrapError("invalid-input", "refused with status 422");
      sent.push(sequence);
    });
    expect(await reporter.flush(AbortSignal.timeout(2000))).toBe(0);
    expect(sent).toEqual([2]);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      message: "report refused",
      error: "refused with status 422",
    });
  });

  it("stops flushing when the time is up and says how many were not sent", async () => {
    const reporter = create();
    reporter.start(allocation, () => Promise.reject(new RetryableError("away", { retryAfterMs: 5 })));
    reporter.report("claim", "started");
    reporter.report("claim", "done");
    expect(await reporter.flush(AbortSignal.timeout(30))).toBe(2);
  });
});
