import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { renderCluster } from "../../cli/display/cluster-view.ts";
import type { MachineProvider, MachineSpec } from "../../metadata-server/providers/provider.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";

const reason = whyNoMachines();

interface ClosedPort {
  /** First label of the machine whose packet filter drops, and of the one whose packets it drops. */
  at: string;
  from: string;
  port: number;
}

/** Blocked pairs by cluster name. */
const closedPorts: Record<string, ClosedPort> = {
  "blocked-worker": { at: "node02", from: "node01", port: 10_250 },
  "blocked-api": { at: "cp01", from: "node01", port: 6443 },
};

/** Injects a fault: a rule in one machine's packet filter, in place before the machine that it blocks is launched. */
function closePorts(provider: MachineProvider): MachineProvider {
  const closed = new Map(Object.keys(closedPorts).map((name) => [name, Promise.withResolvers<void>()]));
  const addresses = new Map<string, string | null>();
  return {
    ...provider,
    async reserve(request) {
      const segment = await provider.reserve(request);
      for (const { name, address } of segment.machines) addresses.set(name, address);
      return segment;
    },
    async launch(machine, signal) {
      const [host, cluster = ""] = machine.name.split(".");
      const fault = closedPorts[cluster];
      if (host === fault?.from) await closed.get(cluster)?.promise;
      await provider.launch(machine, signal);
      if (fault === undefined || host !== fault.at) return;
      const source = addresses.get(machine.name.replace(fault.at, fault.from));
      await drop(machine, { source: source ?? "", port: fault.port });
      closed.get(cluster)?.resolve();
    },
  };
}

const drop = ({ allocation }: MachineSpec, { source, port }: { source: string; port: number }) => {
  const rule = `-s ${source} -p tcp --dport ${port} -j DROP`.split(" ");
  return execa("ip", ["netns", "exec", `sprout-${allocation}`, "iptables", "-w", "5", "-I", "INPUT", ...rule]);
};

const member = ({ members }: Cluster, host: string) => members.find(({ name }) => name.startsWith(`${host}.`))!;
const peersOf = (cluster: Cluster, host: string) => member(cluster, host).phases.find(({ phase }) => phase === "peers");
const pair = (cluster: Cluster, [from, to]: [string, string]) => {
  const [one, other] = [member(cluster, from), member(cluster, to)];
  return `${one.name} ${one.address} cannot reach ${other.name} ${other.address} port`;
};

describe.skipIf(reason !== null)(`a port closed between two machines${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;

  beforeAll(async () => {
    await prepareImage();
    lab = await startLab(closePorts);
  });
  afterAll(() => lab.close());

  async function create(name: string, deadlineSeconds: number): Promise<Cluster> {
    const { id } = await lab.client.create({ name, nodes: 3, provider: "nspawn", deadlineSeconds });
    return lab.client.wait(id, { condition: "ready", timeoutMs: 120_000 });
  }
  async function remove({ id }: Cluster) {
    await lab.client.delete(id);
    await lab.client.wait(id, { condition: "deleted", timeoutMs: 60_000 });
  }
  it("appears with both ends in the worker's report, in a cluster that becomes Ready all the same", async () => {
    const cluster = await create("blocked-worker", 120);
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    const error = `${pair(cluster, ["node01", "node02"])} 10250/tcp: no answer in 1.8 s; open it in the firewall or security group`;
    expect(peersOf(cluster, "node01")).toMatchObject({ state: "failed", error });
    expect(member(cluster, "node01")).toMatchObject({ state: "ready", failure: null });
    expect(renderCluster(cluster, { now: Date.now(), style: (_, text) => text })).toContain(`Blocked: ${error}\n`);
    for (const host of ["cp01", "node02"]) expect(peersOf(cluster, host)?.error).toBeUndefined();
    await remove(cluster);
  });

  it("appears in the reason if the cluster fails because of it at its deadline", async () => {
    const cluster = await create("blocked-api", 30);
    expect(cluster.state).toBe("failed");
    expect(cluster.failure?.missing?.map(({ name }) => name)).toEqual([member(cluster, "node01").name]);
    expect(cluster.failure?.message).toContain(`; blocked: ${pair(cluster, ["node01", "cp01"])} 6443/tcp: no answer`);
    await remove(cluster);
  });
});
