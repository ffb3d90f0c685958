import { describe, expect, it } from "vitest";
import type { Report } from "#api/report.ts";
import { BootstrapError, RetryableError } from "../errors.ts";
import { createReporter, type Outlet } from "./report.ts";
import { isPhaseEntry, type JournalEntry } from "../journal/entry.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const allocation = "a-aaaaaaaaaaaaaaaa";
const create = (write: (line: string) => void = () => {}) =>
  createReporter({ write, redact: (text) => text.replaceAll("secret", "[redacted]"), retryDelayMs: 1 });

const bootTime = () => ({ bootId: "boot-1", time: "2026-01-01T00:00:00.000Z", monotonicMs: 5 });
const outlet = (send: Outlet["send"], more: Partial<Outlet> = {}): Outlet => ({
  allocation,
  send,
  bootTime,
  lastSequence: 0,
  unsent: [],
  ...more,
});

describe("createReporter", () => {
  it("sends in order and once what was reported before the start and while the server was away", async () => {
    const reporter = create();
    const sent: Report[] = [];
    let away = 3;
    reporter.report("discover", "started");
    reporter.report("discover", "done", { durationMs: 4.4 });
    reporter.start(
      outlet(async (report) => {
        if (away-- > 0) throw new RetryableError("connection refused", { retryAfterMs: 1 });
        sent.push(report);
      }),
    );
    reporter.report("metadata", "started");
    expect(await reporter.flush(patientSignal())).toBe(0);
    expect(sent).toEqual([
      { allocation, sequence: 1, phase: "discover", state: "started" },
      { allocation, sequence: 2, phase: "discover", state: "done", durationMs: 4 },
      { allocation, sequence: 3, phase: "metadata", state: "started" },
    ]);
  });

  it("redacts the error and the log's tail, and adds the exit code to the last report", async () => {
    const lines: string[] = [];
    const sent: Report[] = [];
    const reporter = create((line) => lines.push(line));
    reporter.start(
      outlet(async (report) => {
        sent.push(report);
      }),
    );
    const error = new BootstrapError("kubernetes", "kubeadm said secret", { logTail: "the secret again" });
    reporter.report("static-pods", "failed", { error, final: true, durationMs: 1 });
    await reporter.flush(patientSignal());
    expect(sent[0]).toMatchObject({ error: "kubeadm said [redacted]", logTail: "the [redacted] again", exitCode: 4 });
    expect(lines.join("")).not.toContain("secret");
  });

  it("drops a report that is refused and continues with the next", async () => {
    const lines: string[] = [];
    const sent: number[] = [];
    const reporter = create((line) => lines.push(line));
    reporter.report("claim", "started");
    reporter.report("claim", "done");
    reporter.start(
      outlet(async ({ sequence }) => {
        if (sequence === 1) throw new BootstrapError("invalid-input", "refused with status 422");
        sent.push(sequence);
      }),
    );
    expect(await reporter.flush(patientSignal())).toBe(0);
    expect(sent).toEqual([2]);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      message: "The server refused a report",
      error: "refused with status 422",
    });
  });

  it("stops flushing when the time is up, and returns how many reports were not sent", async () => {
    const reporter = create();
    reporter.start(outlet(() => Promise.reject(new RetryableError("away", { retryAfterMs: 5 }))));
    reporter.report("claim", "started");
    reporter.report("claim", "done");
    expect(await reporter.flush(AbortSignal.timeout(30))).toBe(2);
  });

  it("continues the count of earlier runs, sends their unsent reports first, and journals before it sends", async () => {
    const reporter = create();
    const order: string[] = [];
    const journal = {
      append: (entry: JournalEntry) => {
        order.push(isPhaseEntry(entry) ? `journal ${entry.sequence}` : `sent up to ${entry.sentUpTo}`);
      },
      durable: async () => {
        order.push("durable");
      },
    };
    const unsent: Report[] = [{ allocation, sequence: 7, phase: "verify", state: "done" }];
    reporter.report("discover", "started");
    const send = async ({ sequence }: Report) => {
      order.push(`send ${sequence}`);
    };
    reporter.start(outlet(send, { journal, unsent, lastSequence: 7 }));
    expect(await reporter.flush(patientSignal())).toBe(0);
    expect(order).toEqual(["journal 8", "durable", "send 7", "sent up to 7", "durable", "send 8", "sent up to 8"]);
  });

  it("sends nothing once it has given up, and logs the reason", async () => {
    const lines: string[] = [];
    const reporter = create((line) => lines.push(line));
    reporter.giveUp("the report token was lost");
    reporter.start(outlet(() => Promise.reject(new Error("sent"))));
    reporter.report("kubelet", "started");
    expect(await reporter.flush(patientSignal())).toBe(1);
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      "Reports are no longer sent",
      "kubelet started",
    ]);
  });
});
