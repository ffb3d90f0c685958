import { run } from "../../metadata-server/run.ts";

const owner = "sprout-lab";

/** A link from an emulated machine to a bridge. It says whose it is: unlike its machine, it outlives a killed test run. */
export async function createTap(name: string, bridge: string): Promise<void> {
  const commands = [
    `tuntap add dev ${name} mode tap`,
    `link set ${name} alias ${owner}:${process.pid}`,
    `link set ${name} master ${bridge} up`,
  ];
  await run("ip", ["-batch", "-"], { input: commands.join("\n") });
}

export const deleteTap = (name: string) => run("ip", ["link", "delete", name]);

/** Removes those of test runs that ended without doing so. */
export async function reapTaps(isAlive: (pid: number) => boolean): Promise<void> {
  const links = JSON.parse(await run("ip", ["-json", "link", "show"])) as { ifname: string; ifalias?: string }[];
  for (const { ifname, ifalias } of links) {
    const [tag, pid] = ifalias?.split(":") ?? [];
    if (tag === owner && !isAlive(Number(pid))) await deleteTap(ifname);
  }
}
