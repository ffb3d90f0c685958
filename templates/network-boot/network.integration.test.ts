import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { createInitrd, type Initrd, noInitrd } from "../../test/fixtures/initrd.ts";
import { createNamespaces, type Namespace, type Namespaces } from "../../test/fixtures/namespaces.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { templatesFolder } from "../folder.ts";

const reason = noInitrd || (findProgram("dnsmasq") ? "" : " (skipped: no dnsmasq)");
const macs = { eth0: "52:54:00:bb:00:01", eth1: "52:54:00:bb:00:02" };
const wholeMask = "option:netmask,255.255.255.255";
const addressed = "inspect() { leave done; }\n";

describe.skipIf(reason !== "")(`The initrd's network, with real udhcpc and dnsmasq in network namespaces${reason}`, () => {
  let namespaces: Namespaces;
  let machine: Namespace;
  let initrd: Initrd;

  beforeEach(async () => {
    namespaces = createNamespaces();
    machine = await namespaces.create();
  });
  afterEach(() => namespaces.close());

  async function boot(words = "") {
    const files = Object.entries(macs).map(([name, mac]) => [`sys/class/net/${name}/address`, `${mac}\n`] as const);
    initrd = await createInitrd(`sprout.do=inspect BOOTIF=01-52-54-00-bb-00-01${words}\n`, Object.fromEntries(files));
    return initrd.init(addressed, machine);
  }

  /** Joins a card of the machine to a network of its own, a /24, whose DHCP server has these options. */
  async function offer(card: "eth0" | "eth1", network: string, options: readonly string[]) {
    const server = await namespaces.create();
    await namespaces.join([server, "eth0"], [machine, card]);
    await machine.run(`ip link set ${card} address ${macs[card]}`);
    await server.run(`ip addr add ${network}.1/24 dev eth0`);
    const folder = await temporaryFolder("dnsmasq");
    const common = "--no-daemon --log-facility=- --conf-file=/dev/null --port=0 --user=root --no-ping";
    const dnsmasq = server.start("sh", [
      "-c",
      'exec "$@" 2>/dev/null',
      "sh",
      "dnsmasq",
      ...common.split(" "),
      "--interface=eth0",
      "--bind-interfaces",
      "--dhcp-authoritative",
      `--dhcp-leasefile=${folder}/leases`,
      `--pid-file=${folder}/pid`,
      `--dhcp-range=${network}.50,${network}.50,255.255.255.0,1h`,
      ...options.map((option) => `--dhcp-option=${option}`),
    ]);
    await once(dnsmasq, "spawn");
  }

  const routes = async () => {
    const found = (await machine.run("ip -4 route show")).split("\n").map((line) => line.trim());
    return found.filter((line) => !line.startsWith("unreachable"));
  };
  const link = "192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.50";

  it.each<[string, string[], string[]]>([
    ["the router of a plain lease", ["option:router,192.0.2.1"], ["default via 192.0.2.1 dev eth0", link]],
    ["the first of two routers", ["option:router,192.0.2.9,192.0.2.1"], ["default via 192.0.2.9 dev eth0", link]],
    ["no router", ["option:router"], [link]],
    [
      "a router outside a /32",
      [wholeMask, "option:router,198.51.100.1"],
      ["default via 198.51.100.1 dev eth0", "198.51.100.1 dev eth0 scope link"],
    ],
    [
      "a router in the rest of its network, with a /32",
      [wholeMask, "option:router,192.0.2.1"],
      ["default via 192.0.2.1 dev eth0", "192.0.2.1 dev eth0 scope link"],
    ],
    [
      "classless routes alone",
      ["option:router", "121,10.0.0.0/8,192.0.2.7,0.0.0.0/0,192.0.2.1"],
      ["default via 192.0.2.1 dev eth0", "10.0.0.0/8 via 192.0.2.7 dev eth0", link],
    ],
    [
      "classless routes, and not the router next to them",
      ["option:router,192.0.2.1", "121,10.0.0.0/8,192.0.2.7"],
      ["10.0.0.0/8 via 192.0.2.7 dev eth0", link],
    ],
    [
      "classless routes on the link, wherever they stand",
      [wholeMask, "option:router", "121,0.0.0.0/0,198.51.100.1,198.51.100.0/24,0.0.0.0"],
      ["default via 198.51.100.1 dev eth0", "198.51.100.0/24 dev eth0 scope link"],
    ],
    [
      "classless routes with host bits (RFC 3442 masks them), and the first of two gateways",
      ["option:router", "121,172.31.255.255/12,192.0.2.7,172.16.0.0/12,192.0.2.8"],
      ["172.16.0.0/12 via 192.0.2.7 dev eth0", link],
    ],
  ])("uses %s", async (_what, options, expected) => {
    await offer("eth0", "192.0.2", options);
    expect(await boot()).toMatch(/^sprout: has an address after [\d.]+ s\nsprout: done$/);
    expect(await routes()).toEqual(expected);
    // At the start of the system and at a renewal, what is lost comes back and nothing else changes.
    for (const destination of expected.filter((line) => line.includes(" via "))) await machine.run(`ip route del ${destination}`);
    expect(await renew()).toBe("");
    expect(await routes()).toEqual(expected);
  });

  /** Runs the unit's own command until a renewal is done; the routes are gone in between. Returns what the script says. */
  async function renew() {
    const unit = await readFile(join(templatesFolder, "systemd/sprout-lease@.service"), "utf8");
    const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.replace("%i", "eth0").replace("${ADDRESS}", "192.0.2.50");
    return initrd.run(
      `mkdir -p /run/systemd
${command} 2>/tmp/log &
for try in 1 2 3 4 5 6 7 8 9 10; do grep -q obtained /tmp/log && break; sleep 0.3; done
sleep 0.3
ip route del default 2>/dev/null
kill -USR1 $!
for try in 1 2 3 4 5 6 7 8 9 10; do [ "$(grep -c obtained /tmp/log)" = 1 ] || break; sleep 0.3; done
sleep 0.3
kill $!`,
      machine,
    );
  }

  it("shows a route that cannot be set in one line, and takes the others", async () => {
    await offer("eth0", "192.0.2", ["option:router", "121,10.0.0.0/8,192.0.2.255,0.0.0.0/0,192.0.2.1"]);
    const lines = (await boot()).split("\n").filter((line) => line.includes("Cannot"));
    expect(lines).toEqual([
      expect.stringMatching(/^sprout: Cannot set the route to 10\.0\.0\.0\/8 via 192\.0\.2\.255 on eth0: ip: /),
    ]);
    expect(await routes()).toEqual(["default via 192.0.2.1 dev eth0", link]);
  });

  it.each([
    ["in its network", ["option:router,203.0.113.1"], "default via 203.0.113.1 dev eth1"],
    ["outside a /32", [wholeMask, "option:router,198.51.100.1"], "default via 198.51.100.1 dev eth1"],
    ["as a classless route", ["121,0.0.0.0/0,203.0.113.1"], "default via 203.0.113.1 dev eth1"],
  ])("makes the cluster interface's router %s the machine's, also after a renewal of the other", async (_where, options, route) => {
    await offer("eth0", "192.0.2", [wholeMask, "option:router,198.51.100.1"]);
    await offer("eth1", "203.0.113", options);
    await boot(` sprout.cluster-mac=${macs.eth1}`);
    expect((await routes()).filter((line) => line.startsWith("default"))).toEqual([route]);
    await initrd.run(
      `mkdir -p /run/systemd
udhcpc -q -n -f -i eth0 -O staticroutes -r 192.0.2.50 -s /usr/lib/sprout/udhcpc 2>/dev/null`,
      machine,
    );
    expect((await routes()).filter((line) => line.startsWith("default"))).toEqual([route]);
  });
});
