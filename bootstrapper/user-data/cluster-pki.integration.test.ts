import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { clusterPki } from "../../test/fakes/simulated-launch.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { userDataFields } from "../../test/fixtures/node-documents.ts";
import { readClusterPki } from "./cluster-pki.ts";
import { parseUserData } from "./document.ts";
import { patience } from "../../test/fixtures/patience.ts";

const userData = parseUserData(JSON.stringify(userDataFields), "user-data");
const name = "etc/sprout/cluster-pki-command";

/** Reads the PKI on an image with this command. */
async function imageWith(script: string, mode = 0o700) {
  const root = await temporaryFolder("launched");
  await mkdir(join(root, "etc/sprout"), { recursive: true });
  await writeFile(join(root, name), script.replaceAll("ROOT", root));
  await chmod(join(root, name), mode);
  await writeFile(join(root, "worker.json"), JSON.stringify(clusterPki.worker));
  return {
    root,
    read: (timeoutMs = 10_000) => readClusterPki(userData, { root, signal: AbortSignal.timeout(timeoutMs) }),
  };
}

describe("readClusterPki by the image's command", () => {
  it("passes role, name and domain, and reads what the command prints", async () => {
    const { root, read } = await imageWith('#!/bin/sh\necho "$@" > ROOT/asked\ncat ROOT/worker.json\n');
    expect(await read()).toEqual(clusterPki.worker);
    expect(await readFile(join(root, "asked"), "utf8")).toBe("worker node02.build126.test api.build126.test\n");
  });

  it("works with the example for SSM, which asks for the part of its role and cluster (fake aws)", async () => {
    const example = join(import.meta.dirname, "../../docs/examples/cluster-pki-from-ssm.sh");
    const { root, read } = await imageWith(`#!/bin/sh\nPATH=ROOT/bin:$PATH exec ${example} "$@"\n`);
    await mkdir(join(root, "bin"));
    const aws = `#!/bin/sh\necho "$@" > ${root}/asked\ncat ${root}/worker.json\n`;
    await writeFile(join(root, "bin/aws"), aws, { mode: 0o700 });
    expect(await read()).toEqual(clusterPki.worker);
    expect(await readFile(join(root, "asked"), "utf8")).toMatch(
      /^ssm get-parameter --name \/sprout\/api\.build126\.test\/worker --with-decryption --query Parameter\.Value --output text /,
    );
  });

  it("calls the command again if it fails: services throttle, a role may not be known yet", async () => {
    const { root, read } = await imageWith(
      '#!/bin/sh\necho x >> ROOT/calls\n[ "$(wc -l < ROOT/calls)" -gt 2 ] || { echo ThrottlingException >&2; exit 254; }\ncat ROOT/worker.json\n',
    );
    expect(await read()).toEqual(clusterPki.worker);
    expect(await readFile(join(root, "calls"), "utf8")).toBe("x\nx\nx\n");
  });

  it("reports the command's last words, without secrets, when time is up", async () => {
    const { read } = await imageWith(
      "#!/bin/sh\necho 'token: abcdef.0123456789abcdef' >&2\necho 'AccessDeniedException: not authorized to perform ssm:GetParameter' >&2\nexit 254\n",
    );
    await expect(read(700)).rejects.toMatchObject({
      code: "server-unreachable",
      message: expect.stringMatching(
        /^Cannot fetch the cluster's authorities: Cannot run ".*\/cluster-pki-command worker node02\.build126\.test api\.build126\.test": AccessDeniedException: not authorized to perform ssm:GetParameter, and time is up$/,
      ) as string,
    });
  });

  it("kills a command that hangs, with its descendants", async () => {
    const { root, read } = await imageWith("#!/bin/sh\nsleep 60 &\necho $! > ROOT/child\nwait\n");
    await expect(read(500)).rejects.toMatchObject({
      code: "server-unreachable",
      message: `Cannot fetch the cluster's authorities: /${name} did not end in time, and time is up`,
    });
    const child = Number(await readFile(join(root, "child"), "utf8"));
    // Gone, or dead and not yet reaped; on a busy machine a killed process takes a moment to die.
    await vi.waitFor(async () => {
      const status = await readFile(`/proc/${child}/status`, "utf8").catch(() => "State:\tX");
      expect(status).toMatch(/^State:\s[XZ]/m);
    }, patience);
  });

  it.each<[string, string, number, RegExp]>([
    [
      "runs a program that the image lacks",
      "#!/bin/sh\nexec no-such-aws ssm get-parameter\n",
      0o700,
      /no-such-aws: not found$/,
    ],
    ["has an interpreter that the image lacks", "#!/usr/bin/no-such-python\n", 0o700, /ENOENT/],
    ["is not executable", "#!/bin/sh\n", 0o600, /EACCES/],
  ])("does not repeat a command that %s", async (_what, script, mode, reason) => {
    const { read } = await imageWith(script, mode);
    const started = performance.now();
    await expect(read(patience.timeout)).rejects.toMatchObject({
      code: "invalid-input",
      message: expect.stringMatching(reason) as string,
    });
    expect(performance.now() - started).toBeLessThan(patience.timeout);
  });

  it.each([
    ["nothing", "", "it is empty"],
    ["no JSON", "echo None", "it is not JSON"],
    ["HTML of a proxy", "echo '<html>'", "it is HTML, not JSON: another program answers there"],
    ["another document", "echo '{\"Parameter\": {}}'", '/role: Expected "control-plane" or "worker"'],
    ["half of the PKI", "head -c 200 ROOT/worker.json", "it is truncated or not JSON"],
  ])("reports a command that prints %s", async (_what, line, reason) => {
    const { read } = await imageWith(`#!/bin/sh\n${line}\n`);
    await expect(read(patience.timeout)).rejects.toMatchObject({
      code: "invalid-input",
      message: expect.stringContaining(`Cannot use cluster PKI of /${name}: ${reason}`) as string,
    });
  });
});
