import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { findPodResolver, hasNameServer } from "./name-server.ts";

/** A machine with these files; undefined for none. */
async function machine({ own, systemd }: { own?: string; systemd?: string | undefined }) {
  const root = await temporaryFolder("resolver");
  for (const [path, text] of [
    ["etc/resolv.conf", own],
    ["run/systemd/resolve/resolv.conf", systemd],
  ] as const) {
    if (text === undefined) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const find = async (files: { own?: string; systemd?: string }) => findPodResolver(await machine(files), "10.77.0.14");

describe("hasNameServer", () => {
  it.each([
    ["nameserver 10.0.0.2\n", true],
    ["search example.test\n\tnameserver\t::1", true],
    ["# nameserver 10.0.0.2\n", false],
    ["nameserver\n", false],
  ])("finds a name server in a resolv.conf of %j: %s", async (own, expected) => {
    expect(await hasNameServer(await machine({}))).toBe(false);
    expect(await hasNameServer(await machine({ own }))).toBe(expected);
  });
});

describe("findPodResolver", () => {
  const [ownFile, systemdFile, podFile] = [
    "/etc/resolv.conf",
    "/run/systemd/resolve/resolv.conf",
    "/var/lib/kubelet/resolv.conf",
  ];
  const lastResort = "nameserver 10.77.0.14\n";

  it.each(["nameserver 10.0.0.2\n", "nameserver fd00::2", "search a.test\nnameserver 10.0.0.2 # first\n"])(
    "leaves the machine's own file of %j",
    async (own) => {
      expect(await find({ own, systemd: "nameserver 10.0.0.3\n" })).toEqual({ path: ownFile });
    },
  );

  it.each(["# none\n", "", "nameserver\n"])("fills a file without a server, %j", async (own) => {
    expect(await find({ own })).toEqual({ path: ownFile, text: lastResort });
  });

  const loopback = [
    "127.0.0.53",
    "127.0.0.1",
    "127.8.9.10",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::1%lo",
    "::ffff:127.0.0.1",
    "0.0.0.0",
  ];
  it.each(loopback)("does not count %s: systemd's own file has the servers behind it", async (server) => {
    const own = `nameserver ${server}\noptions edns0\n`;
    expect(await find({ own, systemd: "nameserver 10.0.0.2\n" })).toEqual({ path: systemdFile });
  });

  it.each([undefined, "# none\n", "nameserver ::1\n"])(
    "writes a file next to one with loopback only, if systemd's is %j",
    async (systemd) => {
      const own = "nameserver 127.0.0.1\n";
      expect(await find({ own, ...(systemd !== undefined && { systemd }) })).toEqual({
        path: podFile,
        text: lastResort,
      });
    },
  );

  it("keeps the real server next to one on loopback, and every other line", async () => {
    const own = "search a.test\nnameserver 127.0.0.1\nnameserver 10.0.0.2\noptions ndots:2\n";
    const text = "search a.test\nnameserver 10.0.0.2\noptions ndots:2\n";
    expect(await find({ own, systemd: "nameserver 10.0.0.3\n" })).toEqual({ path: podFile, text });
    expect(await find({ own: "nameserver 127.0.0.53\n", systemd: own })).toEqual({ path: podFile, text });
  });
});
