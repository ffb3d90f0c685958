import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { findGo, isGoNewEnough } from "./go-toolchain.ts";

describe("isGoNewEnough", () => {
  it.each([
    ["1.26.0", "1.26.0", true],
    ["1.26.8", "1.26.0", true],
    ["1.27", "1.26.5", true],
    ["1.26", "1.26.0", true],
    ["1.100.0", "1.26.0", true],
    ["2.0", "1.26.0", true],
    ["1.26.0", "1.26.1", false],
    ["1.25.9", "1.26.0", false],
    ["1.9.7", "1.26.0", false],
  ])("returns for Go %s and a module that requires %s: %s", (version, wanted, expected) => {
    expect(isGoNewEnough(version, wanted)).toBe(expected);
  });
});

describe("findGo", () => {
  const { signal } = new AbortController();
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder("go");
    vi.stubEnv("PATH", folder);
    return () => vi.unstubAllEnvs();
  });
  const fakeGo = (script: string, name = "go") => writeFakeProgram(join(folder, name), script);

  it("asks the Go in the PATH for its own version, ignoring a go.mod nearby that names another", async () => {
    await fakeGo('[ "$GOTOOLCHAIN $PWD $*" = "local / env GOVERSION" ] && echo go1.26.8 X:nodwarf5');
    expect(await findGo({ signal })).toEqual({ program: "go", version: "1.26.8" });
  });

  it("prefers the program that GO names to the one in the PATH", async () => {
    await fakeGo("echo go1.26.8");
    const go = await fakeGo("echo go1.27", "mine");
    expect(await findGo({ go, signal })).toEqual({ program: go, version: "1.27" });
  });

  it.each([
    ["no Go in the PATH", undefined],
    ["a Go that fails", "exit 1"],
    ["a Go without a version", "echo devel"],
  ])("returns undefined with %s", async (_what, script) => {
    if (script !== undefined) await fakeGo(script);
    expect(await findGo({ signal })).toBeUndefined();
  });

  it("refuses a GO that is not Go", async () => {
    const go = join(folder, "mine");
    const error = `Cannot use Go: GO is ${go}, which does not answer "go env GOVERSION"; name a go program`;
    await expect(findGo({ go, signal })).rejects.toThrow(error);
    await fakeGo("echo gcc 12.2.0", "mine");
    await expect(findGo({ go, signal })).rejects.toThrow(error);
  });
});
