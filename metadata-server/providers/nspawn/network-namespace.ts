import { access } from "node:fs/promises";
import { run } from "#lib/run.ts";
import { nthAddress, parseSubnet } from "#lib/subnet.ts";

interface MachineNetwork {
  /** Name below /run/netns; the machine's name too. */
  namespace: string;
  bridge: string;
  address: string;
  mac: string;
}

const hostLink = ({ bridge, address }: MachineNetwork) => `${bridge}-${address.split(".")[3]}`;
const gateway = (address: string) => nthAddress(parseSubnet(`${address}/24`), 1);

/** Creates a named network namespace whose eth0 has its address, so the machine needs neither udev nor networkd. */
export async function createNetwork(network: MachineNetwork, signal: AbortSignal): Promise<void> {
  const { namespace, bridge, address, mac } = network;
  await loadBridgeNetfilter(signal);
  await deleteNetwork(network);
  const outside = [
    `netns add ${namespace}`,
    `link add ${hostLink(network)} type veth peer name eth0 address ${mac} netns ${namespace}`,
    `link set ${hostLink(network)} master ${bridge} up`,
  ];
  const inside = [
    "link set lo up",
    `addr add ${address}/24 dev eth0`,
    "link set eth0 up",
    `route add default via ${gateway(address)}`,
    // No service answers there. Without this route kubelet's probe for cloud credentials takes 6 s.
    "route add unreachable 169.254.0.0/16",
  ];
  await run("ip", ["-batch", "-"], { input: outside.join("\n"), signal });
  await run("ip", ["-n", namespace, "-batch", "-"], { input: inside.join("\n"), signal });
  await run("ip", ["netns", "exec", namespace, "sysctl", "-qw", ...sysctls], { signal });
}

// A machine cannot load modules. Without this one, pods cannot reach a Service whose endpoint is on their own bridge.
async function loadBridgeNetfilter(signal: AbortSignal) {
  await access("/proc/sys/net/bridge").catch(() => run("modprobe", ["br_netfilter"], { signal }));
}

const sysctls = [
  "net.ipv4.ip_forward=1",
  "net.bridge.bridge-nf-call-iptables=1",
  "net.bridge.bridge-nf-call-ip6tables=1",
];

/** Deletes link and namespace. No error if there are none. */
export async function deleteNetwork(network: Pick<MachineNetwork, "namespace" | "bridge" | "address">): Promise<void> {
  await run("ip", ["-force", "-batch", "-"], {
    // The link first: with its namespace it would go later, and the two deletions would collide.
    input: `link delete ${hostLink({ ...network, mac: "" })}\nnetns delete ${network.namespace}\n`,
  }).catch(ignoreMissing);
}

function ignoreMissing(error: unknown) {
  const lines = String((error as { stderr?: string }).stderr ?? error).split("\n");
  const unexpected = lines.filter(
    (line) => line && !/No such file|No such device|Cannot find device|Command failed -/.test(line),
  );
  if (unexpected.length > 0) throw new Error(`Cannot remove network: ${unexpected.join("; ")}`, { cause: error });
}
