import { describe, expect, it } from "vitest";
import { parseProgress } from "./progress.ts";

const start = "Running Suite: Kubernetes e2e suite\nWill run 6 of 3206 specs\nRunning in parallel across 6 processes\n";
const line = "------------------------------\n";
const failure = "• [FAILED] [300.2 seconds]\n[sig-node] Pods [It] should run [Conformance]\nk8s.io/…/pods.go:1\n";

describe("parseProgress", () => {
  it("counts tests that have run", () => {
    expect(parseProgress("")).toEqual({ total: undefined, done: 0, failed: [] });
    expect(parseProgress(start)).toEqual({ total: 6, done: 0, failed: [] });
    expect(parseProgress(`${start}•••`)).toEqual({ total: 6, done: 3, failed: [] });
  });

  it("names those that failed", () => {
    expect(parseProgress(`${start}••\n${line}${failure}${line}•`)).toEqual({
      total: 6,
      done: 4,
      failed: ["[sig-node] Pods [It] should run [Conformance]"],
    });
  });

  it("waits for the rest of a failure's name that is only partly printed", () => {
    expect(parseProgress(`${start}••\n${line}${failure.slice(0, 45)}`).failed).toEqual([]);
  });
});
