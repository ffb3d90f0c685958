import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runSprout } from "../test/fixtures/run-sprout.ts";
import { apiToken, createTestServer } from "../test/fixtures/test-server.ts";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";

async function fileOf(name: string, bytes: string | Uint8Array) {
  const file = join(await temporaryFolder("given"), name);
  await writeFile(file, bytes, { mode: 0o600 });
  return file;
}

/** Runs the command against an inventory with one machine, and returns what it sent. */
async function run(...argv: string[]) {
  const server = await createTestServer();
  onTestFinished(() => server.close());
  const headers = { authorization: `Bearer ${apiToken}` };
  await server.request("/v1/machines", { body: { macs: [mac] } });
  const sent: string[] = [];
  const answer = await runSprout(argv, (app) => {
    app.get("*", (c) => server.app.request(c.req.url, { headers }));
    app.all("*", async (c) => {
      sent.push(await c.req.text());
      return c.json({}, 500);
    });
  });
  return { ...answer, sent };
}

const mac = "52:54:00:aa:00:01";
const table = `macs,label.city\n${mac},Zürich\n`;
const machines = JSON.stringify({ machines: [{ macs: [mac], labels: { city: "Zürich" } }] });
const manifest = "# Zürich\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
const power = ["machines", "set", mac, "--power-url", "https://192.0.2.1/redfish/v1/Systems/1"];

const commands = [
  ["a CSV", { name: "rack.csv", text: table, verb: "import", command: ["machines", "import"] }],
  ["a JSON import", { name: "rack.json", text: machines, verb: "import", command: ["machines", "import"] }],
  [
    "a network manifest",
    {
      name: "a.yaml",
      text: manifest,
      verb: "use",
      command: ["clusters", "create", "--nodes", "1", "--network-manifest"],
    },
  ],
  [
    "a power password",
    { name: "p", text: "Zürich", verb: "use", command: [...power, "--power-username", "a", "--power-password-file"] },
  ],
  ["a power authority", { name: "ca.pem", text: "# Zürich\n", verb: "use", command: [...power, "--power-ca-file"] }],
] as const;

describe.each(commands)("A command that sends %s", (_what, { name, text, verb, command }) => {
  it.each([
    ["in Latin-1", Buffer.from(text, "latin1"), "it is not UTF-8 (byte FC on line "],
    ["in UTF-16", Buffer.from(`\ufeff${text}`, "utf16le"), "it is not UTF-8 but UTF-16"],
    ["in UTF-16 without its mark", Buffer.from(text.replace("ü", "u"), "utf16le"), "it is not UTF-8: it holds NULs"],
  ])("exits 2 and sends nothing if it is %s", async (_how, bytes, why) => {
    const file = await fileOf(name, bytes);
    expect(await run(...command, file)).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringContaining(`Cannot ${verb} ${file}: ${why}`),
      sent: [],
    });
  });
});

describe("sprout machines import", () => {
  it("sends UTF-8, with or without its byte order mark", async () => {
    const file = await fileOf("rack.csv", `\ufeff${table}`);
    expect((await run("machines", "import", file)).sent).toEqual([expect.stringContaining(table)]);
  });
});
