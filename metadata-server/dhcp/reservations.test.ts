import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { exists } from "#lib/files.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { openReservations } from "./reservations.ts";

const mac = (index: number) => `52:54:00:00:00:0${index}`;
const card = (index: number) => ({ mac: mac(index), lastAddress: null, isUnapproved: false });

async function open() {
  const folder = await temporaryFolder("reservations");
  await mkdir(join(folder, "dhcp"));
  const warnings: string[] = [];
  const logger = { info() {}, error() {}, warn: (message: string) => void warnings.push(message) };
  const range = { first: "192.0.2.50", last: "192.0.2.52" };
  const files = { leaseFile: join(folder, "dhcp/leases"), keptFile: join(folder, "dhcp/hosts") };
  const reopen = () => openReservations({ range, taken: ["192.0.2.50"], ...files, logger });
  return { reservations: await reopen(), reopen, warnings, ...files };
}

describe("openReservations", () => {
  it("writes a file that every user can read, and says whether it has changed", async () => {
    const { reservations } = await open();
    expect(await reservations.update([card(1)])).toBe(true);
    expect(await readFile(reservations.file, "utf8")).toBe(`${mac(1)},192.0.2.51\n`);
    expect((await stat(reservations.file)).mode & 0o777).toBe(0o644);
    expect((await stat(dirname(reservations.file))).mode & 0o777).toBe(0o755);
    expect(await reservations.update([card(1)])).toBe(false);
    await rm(dirname(reservations.file), { recursive: true });
    expect(await reservations.update([card(1)])).toBe(true);
    await reservations.close();
    expect(await exists(dirname(reservations.file))).toBe(false);
    expect(await reservations.update([card(2)])).toBe(false);
  });

  it("keeps leases and earlier addresses over a restart", async () => {
    const { reservations, reopen, leaseFile } = await open();
    await writeFile(leaseFile, `1765000000 ${mac(1)} 192.0.2.52 * *\n`);
    await reservations.update([card(1), card(2)]);
    await reservations.close();
    await rm(leaseFile);
    const next = await reopen();
    await next.update([card(2), card(1)]);
    expect(await readFile(next.file, "utf8")).toBe(`${mac(2)},192.0.2.51\n${mac(1)},192.0.2.52\n`);
    await next.close();
  });

  it("warns once when the range has too few addresses", async () => {
    const { reservations, warnings } = await open();
    for (let time = 0; time < 3; time += 1) await reservations.update([1, 2, 3, 4].map(card));
    expect(warnings).toEqual([
      "The DHCP range has too few addresses for the inventory; give --dhcp-range a larger one",
    ]);
    await reservations.close();
  });
});
