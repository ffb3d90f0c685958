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
  it("redraws on a terminal, and on nothing else", () => {
    expect(isLive(context, terminal({ columns: 80 }))).toBe(true);
    expect(isLive(context, new PassThrough())).toBe(false);
  });

  it("writes lines on a serial line, which is a terminal without a size, and on a dumb terminal", () => {
    expect(isLive(context, terminal({ columns: 0 }))).toBe(false);
    const dumb = { ...context, environment: { ...context.environment, dumbTerminal: true } };
    expect(isLive(dumb, terminal({ columns: 80 }))).toBe(false);
  });
});
