import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../metadata-server/run.ts";
import type { ImdsRequest } from "../fakes/fake-imds.ts";

export interface MachineImds {
  requests: ImdsRequest[];
  /** How far its packets get, as the instance's `HttpPutResponseHopLimit` says. */
  setHopLimit(hops: number): Promise<void>;
  close(): Promise<void>;
}

const script = join(import.meta.dirname, "imds-process.ts");
const address = "169.254.169.254";

/**
 * A metadata service of one machine at 169.254.169.254, in a network namespace of its own beside the machine's, as a
 * hypervisor has it. With a hop limit of 1 its packets reach the machine and nothing behind it.
 */
export async function startMachineImds(
  machine: { namespace: string; address: string; hopLimit: number },
  files: Record<string, string>,
): Promise<MachineImds> {
  const child = spawn("unshare", ["--net", "--", process.execPath, script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const requests: ImdsRequest[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line === "ready") ready.resolve();
    else requests.push(JSON.parse(line) as ImdsRequest);
  });
  const inside = ["-t", String(child.pid), "-n"];
  const setHopLimit = async (hops: number) => {
    await run("nsenter", [...inside, "sysctl", "-qw", `net.ipv4.ip_default_ttl=${hops}`]);
  };
  const close = async () => {
    child.stdin.end();
    await ended;
  };
  try {
    await untilApart(child.pid!);
    const link = `link add imds0 type veth peer name imds0 netns ${child.pid}`;
    await run("ip", ["-n", machine.namespace, ...link.split(" ")]);
    const own = [
      "link set lo up",
      `addr add ${address}/32 dev imds0`,
      "link set imds0 up",
      `route add ${machine.address}/32 dev imds0`,
      `route add default via ${machine.address} dev imds0`,
    ];
    await run("nsenter", [...inside, "ip", "-batch", "-"], { input: own.join("\n") });
    await setHopLimit(machine.hopLimit);
    const theirs = ["link set imds0 up", `route add ${address}/32 dev imds0 src ${machine.address}`];
    await run("ip", ["-n", machine.namespace, "-batch", "-"], { input: theirs.join("\n") });
    child.stdin.write(`${JSON.stringify(files)}\n`);
    await Promise.race([
      ready.promise,
      ended.then(() => Promise.reject(new Error("The metadata service ended at once"))),
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  return { requests, setHopLimit, close };
}

const namespaceOf = (pid: number | string) => readlink(`/proc/${pid}/ns/net`);

/** `unshare` has left this process's namespace. */
async function untilApart(pid: number): Promise<void> {
  const ours = await namespaceOf("self");
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await namespaceOf(pid)) !== ours) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("The metadata service has no network namespace of its own");
}
