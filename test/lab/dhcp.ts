import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { MachineProvider, PlannedMachine } from "../../metadata-server/providers/provider.ts";

export interface DhcpProvider extends MachineProvider {
  close(): Promise<void>;
}

/** dnsmasq on the bridge of each nspawn cluster, which leases machines the addresses that they already have. */
export function withDhcp(nspawn: MachineProvider): DhcpProvider {
  const running: { close(): Promise<void> }[] = [];
  return {
    ...nspawn,
    async reserve(request) {
      const segment = await nspawn.reserve(request);
      running.push(startDnsmasq(segment.providerData["bridge"] ?? "", segment.machines));
      return segment;
    },
    async close() {
      await Promise.all(running.map((dnsmasq) => dnsmasq.close()));
    },
  };
}

function startDnsmasq(bridge: string, machines: readonly PlannedMachine[]) {
  const leases = join(tmpdir(), `sprout-${process.pid}-${bridge}.leases`);
  const address = machines[0]?.address ?? "";
  const dnsmasq = execa(
    "setpriv",
    [
      ["--pdeathsig", "KILL", "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root"],
      [`--interface=${bridge}`, "--except-interface=lo", "--bind-interfaces"],
      ["--dhcp-authoritative", "--no-ping", `--dhcp-leasefile=${leases}`],
      [`--dhcp-range=${address.replace(/\d+$/, "0")},static,255.255.255.0`],
      [`--dhcp-option=option:router,${address.replace(/\d+$/, "1")}`, "--dhcp-option=option:dns-server"],
      machines.map((machine) => `--dhcp-host=${machine.mac},${machine.address},infinite`),
    ].flat(),
    { stdin: "ignore", reject: false },
  );
  return {
    async close() {
      dnsmasq.kill("SIGKILL");
      await dnsmasq;
      await rm(leases, { force: true });
    },
  };
}
