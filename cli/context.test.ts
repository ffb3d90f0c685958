import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { isLive, type CliContext, type Terminal } from "./context.ts";
import { readEnvironment } from "./environment.ts";

const context: CliContext = {
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  environment: { ...readEnvironment(), dumbTerminal: false },
  signal: new AbortController().signal,
  now: () => 0,
};
const terminal = (size: { columns?: number }): Terminal => Object.assign(new PassThrough(), { isTTY: true, ...size });

describe("isLive", () => {
  it("returns true only for a terminal", () => {
    expect(isLive(context, terminal({ columns: 80 }))).toBe(true);
    expect(isLive(context, new PassThrough())).toBe(false);
  });

  it("returns false for a serial line, which has no size, and for a dumb terminal", () => {
    expect(isLive(context, terminal({ columns: 0 }))).toBe(false);
    const dumb = { ...context, environment: { ...context.environment, dumbTerminal: true } };
    expect(isLive(dumb, terminal({ columns: 80 }))).toBe(false);
  });
});
