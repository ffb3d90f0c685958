import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { run } from "#lib/run.ts";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { hostGo, withoutGo } from "../../test/fixtures/host-go.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { buildPrograms, type ProgramSet } from "./build-programs.ts";
import { renderGoMod } from "./go-module.ts";
import type { GoToolchain } from "./go-toolchain.ts";

/** Only Go's runtime, so that it compiles in a second. Never the same twice, or Go would only link it. */
const source = (name: string) =>
  `// ${randomUUID()}\npackage main\n\nvar version = "unstamped"\n\nfunc main() { println("${name}", version) }\n`;

/** Two programs of one module. */
function programSet({ one = source("one"), two = source("two"), go = "1.20" } = {}): ProgramSet {
  return {
    name: "two programs",
    goMod: renderGoMod({ go, requires: [], replaces: [] }),
    mains: { one, two },
    programs: { one: "./one", two: "./two" },
    stamps: ["main.version=v1.37.2"],
  };
}
/** println writes to standard error. */
const says = async (program: string) => (await execa(program)).stderr;

/** A file system in memory; `dispose` unmounts it. */
async function mountMemory(path: string, size: string) {
  await mkdir(path);
  await run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  return {
    path,
    resize: (larger: string) => run("mount", ["-o", `remount,size=${larger}`, path]),
    [Symbol.asyncDispose]: async () => void (await run("umount", [path])),
  };
}

/** Long enough for a busy machine. */
const patience = { timeout: 10_000 };

describe("buildPrograms", () => {
  let folder: string;
  let outDir: string;
  let details: string[];

  beforeEach(async () => {
    folder = await temporaryFolder("programs");
    outDir = join(folder, "out");
    details = [];
  });

  const build = (set: ProgramSet, options: { go?: GoToolchain; signal?: AbortSignal; outDir?: string } = {}) =>
    buildPrograms(set, options.outDir ?? outDir, {
      go: hostGo,
      signal: new AbortController().signal,
      ...options,
      onDetail: (detail) => details.push(detail),
    });

  it("ends Go and its child processes when its signal aborts, and leaves no work folder", async () => {
    const script = `sleep 60 & echo $! > ${folder}/pid; wait`;
    const go = { ...hostGo, program: await writeFakeProgram(join(folder, "bin/go"), script) };
    const abort = new AbortController();
    const building = build(programSet(), { go, signal: abort.signal });
    const pid = await vi.waitFor(async () => {
      const text = await readFile(join(folder, "pid"), "utf8");
      expect(text).toMatch(/\n$/);
      return text.trim();
    }, patience);
    abort.abort(new Error("enough"));
    await expect(building).rejects.toThrow("enough");
    // Gone, or a zombie.
    await vi.waitFor(async () => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State:\tX");
      expect(status).toMatch(/^State:\s[XZ]/m);
    }, patience);
    expect((await readdir(folder)).toSorted()).toEqual(["bin", "out", "pid"]);
  });

  it("does not start Go if every program exists", async () => {
    await mkdir(outDir);
    for (const name of ["one", "two"]) await writeFile(join(outDir, name), "");
    await build(programSet(), { go: { program: "/nonexistent/go", version: "1.26.8" } });
    expect(details).toEqual([]);
  });

  // The first test compiles Go's runtime, unless that is cached.
  describe.skipIf(withoutGo !== "")(`with the host's Go${withoutGo}`, { timeout: 120_000 }, () => {
    it("compiles a package's tests into a program, in addition to the others", async () => {
      const set = { ...programSet(), programs: { one: "./one" }, tests: { "errors.test": "errors" } };
      await build(set);
      expect((await readdir(outDir)).toSorted()).toEqual(["errors.test", "one"]);
      expect(await run(join(outDir, "errors.test"), ["-test.run=TestNewEqual", "-test.v"])).toContain(
        "PASS: TestNewEqual",
      );
      // Everything exists, so Go is not started.
      await build(set, { go: { ...hostGo, program: "/nonexistent" } });
    });

    it("compiles every program with its stamps, and reports each when it is linked", async () => {
      await build(programSet());
      for (const name of ["one", "two"]) expect(await says(join(outDir, name))).toBe(`${name} v1.37.2`);
      expect(await readdir(folder)).toEqual(["out"]);
      expect(details).toHaveLength(2);
      for (const [index, detail] of details.entries())
        expect(detail).toMatch(new RegExp(`^two programs: ${index + 1} of 2 programs, (one|two) \\(\\d+ packages\\)$`));
    });

    it("resumes an interrupted build without compiling existing programs again", async () => {
      await mkdir(outDir);
      await writeFile(join(outDir, "one"), "kept");
      await build(programSet());
      expect(await readFile(join(outDir, "one"), "utf8")).toBe("kept");
      expect(await says(join(outDir, "two"))).toBe("two v1.37.2");
      expect(details.at(-1)).toMatch(/^two programs: 1 of 1 programs, two /);
    });

    it("explains a compile error, keeps the compiled programs, and resumes from there", async () => {
      const two = "package main\n\nfunc main() { unheard() }\n";
      await expect(build(programSet({ two }))).rejects.toThrow(
        "Cannot compile two programs: see Go's output (two/main.go:3:15: undefined: unheard)",
      );
      expect(await readdir(outDir)).toEqual(["one"]);
      const { mtimeMs } = await stat(join(outDir, "one"));
      await build(programSet());
      expect((await readdir(outDir)).toSorted()).toEqual(["one", "two"]);
      expect((await stat(join(outDir, "one"))).mtimeMs).toBe(mtimeMs);
    });

    it("reports a Go that is too old for a module", async () => {
      await expect(build(programSet({ go: "1.999.0" }))).rejects.toThrow(
        /^Cannot compile two programs: this Go is too old; .* \(go: go\.mod requires go >= 1\.999\.0 /,
      );
      expect(await readdir(folder)).toEqual(["out"]);
      expect(await readdir(outDir)).toEqual([]);
    });

    const noMount = process.getuid?.() === 0 ? "" : " (skipped: mounting requires root)";
    it.skipIf(noMount !== "")(
      `reports a full disk, leaves no partial program, and resumes once there is space${noMount}`,
      async () => {
        await using disk = await mountMemory(join(folder, "disk"), "3m");
        const out = join(disk.path, "out");
        // Makes the program 8 MB larger.
        const two = `${source("two")}\nvar data = [8 << 20]byte{1: 1}\n\nfunc init() { println(data[len(version)]) }\n`;
        await expect(build(programSet({ two }), { outDir: out })).rejects.toThrow(
          /^Cannot compile two programs: no space left on device; free some, or point GOCACHE, GOMODCACHE and --cache-dir elsewhere \(.*no space left on device/,
        );
        expect(await readdir(disk.path)).toEqual(["out"]);
        for (const name of await readdir(out)) expect(await says(join(out, name))).toBe(`${name} v1.37.2`);
        await disk.resize("64m");
        await build(programSet({ two }), { outDir: out });
        expect(await says(join(out, "one"))).toBe("one v1.37.2");
        expect(await says(join(out, "two"))).toBe("0\ntwo v1.37.2");
      },
    );
  });
});
