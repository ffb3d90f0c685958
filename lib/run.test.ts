import { ExecaError } from "execa";
import { describe, expect, it } from "vitest";
import { run } from "./run.ts";

const fails = "echo out; echo err >&2; exit 3";

describe("run", () => {
  it("returns what a program prints, given its arguments and standard input as they are", async () => {
    expect(await run("printf", ["%s|", "a b", "$HOME"])).toBe("a b|$HOME|");
    expect(await run("cat", [], { input: "line\n" })).toBe("line");
    expect(await run("cat", [])).toBe("");
  });

  it("throws the exit code and both outputs of a program that fails", async () => {
    const error: unknown = await run("sh", ["-c", fails], { all: true }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ExecaError);
    expect(error).toMatchObject({ exitCode: 3, stderr: "err", all: "out\nerr", isCanceled: false });
  });

  it("ends a program with its descendants when the signal aborts", async () => {
    const started = performance.now();
    const script = "trap '' TERM; sleep 60";
    const options = { signal: AbortSignal.timeout(200), forceKillAfterMs: 200 };
    await expect(run("sh", ["-c", script], options)).rejects.toMatchObject({ isCanceled: true });
    expect(performance.now() - started).toBeLessThan(30_000);
  });
});
