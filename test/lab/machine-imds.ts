import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { run } from "#lib/run.ts";
import type { InstanceMetadataRequest } from "../fakes/fake-instance-metadata.ts";
import type { InstanceDocuments } from "../fakes/instance-metadata-tree.ts";

/** A metadata service without a machine yet. */
export interface SpareImds {
  serve(machine: ServedMachine, documents: InstanceDocuments): Promise<MachineImds>;
  close(): Promise<void>;
}

interface ServedMachine {
  /** The machine's network namespace. */
  namespace: string;
  address: string;
  /** TTL of the answers, like the instance's `HttpPutResponseHopLimit`. */
  hopLimit: number;
}

export interface MachineImds {
  requests: InstanceMetadataRequest[];
  setHopLimit(hops: number): Promise<void>;
  close(): Promise<void>;
}

const script = join(import.meta.dirname, "imds-process.ts");
const address = "169.254.169.254";

/**
 * A metadata service of one machine at 169.254.169.254, in a network namespace next to the machine's, as a
 * hypervisor has it. With a hop limit of 1 its packets reach the machine and nothing behind it.
 */
export async function startSpareImds(): Promise<SpareImds> {
  const child = spawn("unshare", ["--net", "--", process.execPath, script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const requests: InstanceMetadataRequest[] = [];
  const messages = listen(child, requests);
  const said = (message: string) =>
    Promise.race([
      messages[message],
      ended.then(() => Promise.reject(new Error(`The metadata service ended before it was ${message}`))),
    ]);
  const close = async () => {
    child.stdin.end();
    await ended;
  };
  // The process reports this from its own namespace.
  await said("loaded");
  return {
    close,
    async serve(machine, documents) {
      try {
        await link(child.pid!, machine);
        child.stdin.write(`${JSON.stringify(documents)}\n`);
        await said("ready");
        const theirs = ["link set vethimds up", `route add ${address}/32 dev vethimds`];
        await run("ip", ["-n", machine.namespace, "-batch", "-"], { input: theirs.join("\n") });
      } catch (error) {
        await close();
        throw error;
      }
      return { requests, setHopLimit: (hops) => setHopLimit(child.pid!, hops), close };
    },
  };
}

function listen({ stdout }: ChildProcessByStdio<Writable, Readable, null>, requests: InstanceMetadataRequest[]) {
  const [loaded, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  createInterface({ input: stdout }).on("line", (line) => {
    const message = JSON.parse(line) as InstanceMetadataRequest | "loaded" | "ready";
    if (message === "loaded") loaded.resolve();
    else if (message === "ready") ready.resolve();
    else requests.push(message);
  });
  return { loaded: loaded.promise, ready: ready.promise } as Record<string, Promise<void>>;
}

const inNamespaceOf = (pid: number) => ["-t", String(pid), "-n"];

async function link(pid: number, machine: ServedMachine): Promise<void> {
  await run("ip", [
    "-n",
    machine.namespace,
    ..."link add vethimds type veth peer name vethimds netns".split(" "),
    String(pid),
  ]);
  const own = [
    "link set lo up",
    `addr add ${address}/32 dev vethimds`,
    "link set vethimds up",
    `route add ${machine.address}/32 dev vethimds`,
    `route add default via ${machine.address} dev vethimds`,
  ];
  await run("nsenter", [...inNamespaceOf(pid), "ip", "-batch", "-"], { input: own.join("\n") });
  await setHopLimit(pid, machine.hopLimit);
}

async function setHopLimit(pid: number, hops: number): Promise<void> {
  await run("nsenter", [...inNamespaceOf(pid), "sysctl", "-qw", `net.ipv4.ip_default_ttl=${hops}`]);
}
