import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "#lib/run.ts";

const reason = process.platform === "linux" && process.getuid?.() === 0 ? "" : " (skipped: needs root on Linux)";
const module = join(import.meta.dirname, "shutdown.ts");
const program = `
import { outlastShutdown } from ${JSON.stringify(module)};
const interrupted = new AbortController();
setTimeout(() => interrupted.abort(), 1500).unref();
await outlastShutdown({ interrupted: interrupted.signal });
process.stdout.write(interrupted.signal.aborted ? "waited" : "returned at once");
`;
/** A folder /run of its own, as systemd leaves it in these moments. */
const withRun = (prepare: string) =>
  run("unshare", [
    "--mount",
    "sh",
    "-ec",
    `mount -t tmpfs tmpfs /run\n${prepare}\nexec "$0" --input-type=module --eval "$1"`,
    process.execPath,
    program,
  ]);
const closedSocket = `"$0" -e 'const s = require("net").createServer().listen("/run/systemd/private", () => process.exit())'`;

describe.skipIf(reason !== "")(`outlastShutdown with a real systemctl${reason}`, () => {
  it.each([
    ["whose socket is closed", `mkdir -p /run/systemd/system\n${closedSocket}\ntest -S /run/systemd/private`],
    ["whose socket is removed", "mkdir -p /run/systemd/system"],
  ])("waits on a machine with a systemd %s", async (_, prepare) => {
    expect(await withRun(prepare)).toBe("waited");
  });

  it("returns at once on a machine without systemd", async () => {
    expect(await withRun("true")).toBe("returned at once");
  });
});
