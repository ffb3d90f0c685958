import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { machine } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CloudInitReport } from "#api/cloud-init.ts";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { renderVendorData } from "./documents.ts";

const reason = findProgram("python3") ? "" : " (skipped: there is no python3)";
const executable = Buffer.concat([Buffer.from("#!/bin/sh\nexit 0\n#"), randomBytes(300_000)]);
const sha256 = createHash("sha256").update(executable).digest("hex");

type Answer = (response: ServerResponse) => void;
const whole: Answer = (response) => response.writeHead(200, { "content-length": executable.length }).end(executable);
/** Sends half of the file, then closes the connection. */
const half: Answer = (response) => {
  response.writeHead(200, { "content-length": executable.length });
  response.write(executable.subarray(0, 150_000), () => response.socket?.end());
};
const changed: Answer = (response) => {
  const other = Buffer.from(executable);
  other[other.length - 1]! ^= 1;
  response.writeHead(200, { "content-length": other.length }).end(other);
};
const broken: Answer = (response) => response.writeHead(500).end();
const silent: Answer = (response) => response.socket?.destroy();

/**
 * Runs the real script with the real Python. Its two paths are in a folder, its pauses are short, systemctl is a fake.
 */
describe.skipIf(reason !== "")(`The script that brings sprout-bootstrap${reason}`, () => {
  let folder: string;
  let server: Server;
  let port: number;
  let answers: Answer[];
  let asked: number;
  let reported: CloudInitReport[];

  beforeEach(async () => {
    folder = await temporaryFolder("install");
    await mkdir(join(folder, "bin"));
    await mkdir(join(folder, "programs"));
    const systemctl = join(folder, "programs/systemctl");
    await writeFile(systemctl, `#!/bin/sh\necho "$@" >> ${folder}/systemctl.log\n`);
    await chmod(systemctl, 0o755);
    [answers, asked, reported] = [[], 0, []];
    server = createServer((request, response) => {
      if (request.method === "POST") void receive(request, response);
      else (answers[asked++] ?? answers.at(-1) ?? whole)(response);
    });
    await listenOn(0);
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function receive(request: IncomingMessage, response: ServerResponse) {
    reported.push(CloudInitReport.parse(await json(request)));
    response.writeHead(204).end();
  }

  async function listenOn(at: number) {
    server.listen(at, "127.0.0.1");
    await once(server, "listening");
  }

  async function install({ pauses = "(0.01, 0.01)", of = machine() } = {}) {
    const executables = [{ arch: "x64", machine: of, sha256 }];
    const url = `http://127.0.0.1:${port}/nocloud/capability`;
    const rendered = await renderVendorData(createRender(templatesFolder), { executables, url });
    const script = rendered
      .replace("/usr/bin/sprout-bootstrap", join(folder, "bin/sprout-bootstrap"))
      .replace("/etc/systemd/system/sprout-bootstrap.service", join(folder, "sprout-bootstrap.service"))
      .replace("(1, 2, 4, 8, 15)", pauses);
    const env = { PATH: `${join(folder, "programs")}:/usr/local/bin:/usr/bin:/bin` };
    return execa("python3", ["-"], { input: script, env, reject: false });
  }
  const isBrought = async () => (await readFile(join(folder, "bin/sprout-bootstrap"))).equals(executable);
  const expectNothing = async () => {
    expect(await readdir(join(folder, "bin"))).toEqual([]);
    await expect(access(join(folder, "sprout-bootstrap.service"))).rejects.toThrow("ENOENT");
  };

  it("installs the program with its unit, which starts at every boot", async () => {
    expect(await install()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await isBrought()).toBe(true);
    expect((await stat(join(folder, "bin/sprout-bootstrap"))).mode & 0o777).toBe(0o755);
    expect(await readFile(join(folder, "sprout-bootstrap.service"), "utf8")).toContain("ExecStart=/usr/bin/sprout-");
    expect(await readFile(join(folder, "systemctl.log"), "utf8")).toBe(
      "daemon-reload\nenable sprout-bootstrap.service\n",
    );
    expect([asked, reported]).toEqual([1, []]);
  });

  it("sends no request if the program is installed already", async () => {
    await install();
    expect(await install()).toMatchObject({ exitCode: 0 });
    expect(asked).toBe(1);
  });

  it("starts again after a truncated, failed or dropped download", async () => {
    answers = [half, broken, whole];
    expect(await install()).toMatchObject({ exitCode: 0 });
    expect([await isBrought(), asked, reported]).toEqual([true, 3, []]);
  });

  it("waits for a server that does not answer yet", async () => {
    server.close();
    const installed = install({ pauses: "(0.3, 0.3, 0.3, 0.3, 0.3)" });
    await new Promise((resolve) => setTimeout(resolve, 600));
    await listenOn(port);
    expect(await installed).toMatchObject({ exitCode: 0 });
    expect([await isBrought(), reported]).toEqual([true, []]);
  });

  it.each([
    ["half of the file each time", half, /: it was truncated after 150000 of 300018 bytes, at http:.*, 3 times$/, 3],
    ["a server's error each time", broken, /: HTTP Error 500: Internal Server Error, at http:.*, 3 times$/, 3],
    ["a closed connection each time", silent, /: Remote end closed connection without response, at .* 3 times$/, 3],
    ["another file than the promised one", changed, / is \w{64}, not \w{64} as the server said, at http:.*x64$/, 1],
  ])("installs nothing and reports why if it gets %s", async (_, answer, problem, requests) => {
    answers = [answer];
    const { exitCode, stderr } = await install();
    expect([exitCode, asked]).toEqual([1, requests]);
    await expectNothing();
    expect(reported).toEqual([
      {
        name: "modules-final/install-bootstrapper",
        event_type: "finish",
        result: "FAIL",
        description: expect.stringMatching(problem) as string,
      },
    ]);
    expect(stderr).toContain(reported[0]!.description);
  });

  it("reports that the server has no program for this machine", async () => {
    expect(await install({ of: "riscv64" })).toMatchObject({ exitCode: 1 });
    expect(reported[0]?.description).toBe(
      `Cannot install sprout-bootstrap: the server has no executable for ${machine()}`,
    );
    expect(asked).toBe(0);
  });

  it("says why on the machine alone if the server never answers", async () => {
    server.close();
    const { exitCode, stderr } = await install();
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^Cannot install sprout-bootstrap: .*refused.* 3 times$/),
    ]);
    await expectNothing();
  });
});
