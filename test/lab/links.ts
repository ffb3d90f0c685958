import { run } from "#lib/run.ts";

const owner = "sprout-lab";

/** Link names contain their owner: unlike emulated machines, links outlive a killed test run. */
const alias = `${owner}:${process.pid}`;

/** A new bridge, up, on which the host has these addresses (with their prefix). */
export async function createBridge(name: string, addresses: readonly string[]): Promise<void> {
  const commands = [
    `link add ${name} type bridge forward_delay 0`,
    `link set ${name} alias ${alias}`,
    ...addresses.map((address) => `address add ${address} dev ${name}${address.includes(":") ? " nodad" : ""}`),
    `link set ${name} up`,
  ];
  await run("ip", ["-batch", "-"], { input: commands.join("\n") });
}

/** A link from an emulated machine to a bridge. */
export async function createTap(name: string, bridge: string): Promise<void> {
  const commands = [
    `tuntap add dev ${name} mode tap`,
    `link set ${name} alias ${alias}`,
    `link set ${name} master ${bridge} up`,
  ];
  await run("ip", ["-batch", "-"], { input: commands.join("\n") });
}

export const deleteLink = (name: string) => run("ip", ["link", "delete", name]);

/** Removes the links of killed test runs. */
export async function reapLinks(isAlive: (pid: number) => boolean): Promise<void> {
  const links = JSON.parse(await run("ip", ["-json", "link", "show"])) as { ifname: string; ifalias?: string }[];
  for (const { ifname, ifalias } of links) {
    const [tag, pid] = ifalias?.split(":") ?? [];
    if (tag === owner && !isAlive(Number(pid))) await deleteLink(ifname);
  }
}
