import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { createInitrd, noInitrd } from "../../test/fixtures/initrd.ts";

const infiniband = Array(20).fill("80").join(":");
const files = {
  "sys/class/net/ib0/address": `${infiniband}\n`,
  "sys/class/net/ib0/device": "",
  "sys/class/net/eth0/address": "52:54:00:bb:00:01\n",
  "sys/class/net/eth0/device": "",
  "sys/class/net/wwan0/address": "\n",
  "sys/class/net/wwan0/device": "",
  "sys/block/sda/device": "",
  "sys/block/sda/removable": "0\n",
  "sys/block/sda/ro": "0\n",
  "sys/block/sda/size": "976773168\n",
};
const noNetwork = "get_address() { :; }\n";

/** A server that answers with one status after the other; the last one stays. 0 closes the connection. */
async function startServer(...statuses: number[]) {
  const reports: [path: string, fields: URLSearchParams][] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    reports.push([request.url ?? "", new URLSearchParams(await text(request))]);
    const status = statuses[Math.min(reports.length, statuses.length) - 1] ?? 0;
    if (status === 0) response.destroy();
    else response.writeHead(status, { "content-type": "application/problem+json" }).end(status === 204 ? "" : "{}");
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => server[Symbol.asyncDispose]());
  const report = `sprout.report=http://127.0.0.1:${(server.address() as AddressInfo).port}/machine-reports`;
  return { reports, report };
}

describe.skipIf(noInitrd !== "")(`The initrd's reports${noInitrd}`, () => {
  it.each([
    ["the first Ethernet card where nothing says which it booted from", ""],
    ["the card that it booted from", " BOOTIF=01-52-54-00-bb-00-01"],
  ])("name the MAC of %s", async (_what, words) => {
    const { reports, report } = await startServer(204);
    const { init } = await createInitrd(`sprout.do=inspect ${report}${words}\n`, files);
    expect(await init(noNetwork)).toMatch(/This machine is known now$/);
    const [[path, fields] = ["", new URLSearchParams()]] = reports;
    expect(path).toBe("/machine-reports/inspection");
    expect([fields.getAll("mac"), fields.getAll("nic")]).toEqual([["52-54-00-bb-00-01"], ["52-54-00-bb-00-01"]]);
    expect(fields.getAll("disk")).toEqual(["sda:976773168"]);
  });

  it("name at most 64 disks and 32 cards", async () => {
    const { reports, report } = await startServer(204);
    const many = Array.from({ length: 200 }, (_, index) => [
      [`sys/class/net/eth${index}/address`, `52:54:00:bb:01:${index.toString(16).padStart(2, "0")}\n`],
      [`sys/class/net/eth${index}/device`, ""],
      [`sys/block/sd${index}/device`, ""],
      [`sys/block/sd${index}/removable`, "0\n"],
      [`sys/block/sd${index}/ro`, "0\n"],
      [`sys/block/sd${index}/size`, "976773168\n"],
    ]);
    const { init } = await createInitrd(`sprout.do=inspect ${report}\n`, Object.fromEntries(many.flat()));
    await init(noNetwork);
    const fields = reports[0]?.[1];
    expect(["disk", "interface", "nic"].map((name) => fields?.getAll(name).length)).toEqual([64, 32, 32]);
  });

  it.each([
    [400, "400 Bad Request"],
    [403, "403 Forbidden"],
    [413, "413 Payload Too Large"],
    [421, "421 Misdirected Request"],
  ])("end at status %i, which the console shows", async (status, shown) => {
    const { reports, report } = await startServer(status);
    const { init } = await createInitrd(`sprout.do=inspect ${report}\n`, files);
    const said = await init(noNetwork);
    expect(said).toContain(`Cannot report inspection: ${report.slice("sprout.report=".length)} answered ${shown}`);
    expect(said).toMatch(/The server does not have this machine's hardware$/);
    expect(reports).toHaveLength(1);
  });

  it.each([[408], [429], [500], [503], [0]])("repeat at status %i (0: no answer) until one is heard", async (status) => {
    const { reports, report } = await startServer(status, status, 204);
    const { init } = await createInitrd(`sprout.do=inspect ${report}\n`, files);
    expect(await init(noNetwork)).toMatch(/This machine is known now$/);
    expect(reports).toHaveLength(3);
  });

  it("end at status 403 after a wipe, and the console says that the machine stays released", async () => {
    const { reports, report } = await startServer(503, 403);
    const { init } = await createInitrd(`sprout.do=wipe sprout.wipe-token=abc ${report}\n`, files);
    const said = await init(noNetwork);
    expect(said).toContain("Cannot report wiped");
    expect(said).toMatch(/this machine stays released$/);
    expect(reports.map(([path, fields]) => [path, fields.get("token")])).toEqual([
      ["/machine-reports/wiped", "abc"],
      ["/machine-reports/wiped", "abc"],
    ]);
  });
});
