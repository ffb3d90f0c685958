import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { mint, simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { firstMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";

const manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: '{{test}}'}\n";
const subnets = { podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" };
const given: NodeMetadata["network"] = { plugin: "manifest", ...subnets };
const baked: NodeMetadata["network"] = { plugin: "manifest", baked: "flannel.yaml", ...subnets };

/** Enough for everything except the proof that pods answer, because there are none. */
const deadlineSeconds = 4;

/** A first control plane that is its only peer. */
async function simulateFirst(network: NodeMetadata["network"]) {
  const { name } = firstMetadata.self;
  const machine = await simulateMachine({ ...firstMetadata, network, peers: [name] }, deadlineSeconds);
  machine.kubernetes.addNode(name, { address: "127.0.0.1", ready: true });
  const credentials = mint("control-plane", { allocation: firstMetadata.allocation, name });
  const claim = { ...credentials, networkAgent: undefined, ...(network === given && { networkManifest: manifest }) };
  machine.server.faults.set("/node/v1/claim", [{ kind: "body", body: JSON.stringify(claim) }]);
  return machine;
}
const read = ({ root }: { root: string }, file: string) => readFile(join(root, file), "utf8");
const applied = async (machine: { root: string }) =>
  (await read(machine, "kubectl.log")).replaceAll(machine.root, "").split("\n").slice(0, -1);

const applying = (file: string) =>
  "apply --server-side --force-conflicts --field-manager=sprout --kubeconfig=/etc/kubernetes/super-admin.conf " +
  `--cache-dir=/run/sprout-kubectl --filename=${file}`;

/** Packet filter rules, without those about the API server's Service, which are the same with every plugin. */
const podRules = async (machine: { root: string }) =>
  (await read(machine, "iptables.rules")).split("\n").filter((rule) => / -s /.test(rule));
const dropped = (port: string) => `-d 127.0.0.1 -p tcp --dport ${port} -j DROP`;

describe("applyNetworkManifest (simulated machine)", () => {
  it("applies the given manifest unchanged, from a file that only root reads, and sets up nothing of `routes`", async () => {
    const machine = await simulateFirst(given);
    await machine.run();
    expect(await applied(machine)).toEqual([applying("/etc/kubernetes/network.yaml")]);
    expect(await read(machine, "etc/kubernetes/network.yaml")).toBe(manifest);
    expect((await stat(join(machine.root, "etc/kubernetes/network.yaml"))).mode & 0o777).toBe(0o600);
    const { port } = new URL(machine.server.url);
    expect(await podRules(machine)).toEqual([
      `raw PREROUTING -s 10.244.0.0/16 ${dropped(port)}`,
      `mangle FORWARD -s 10.244.0.0/16 ${dropped(port)}`,
    ]);
    expect(await read(machine, "systemctl.log")).not.toContain("network-agent");
    await expect(readdir(join(machine.root, "etc/cni"))).rejects.toThrow("ENOENT");
    expect(machine.kubernetes.changes.filter((change) => change.includes("network-agent"))).toEqual([]);
  });

  it("also keeps pods from the server's port for firmware and cloud-init, with either plugin", async () => {
    const { name, podCidr } = workerMetadata.self;
    const rulesWith = async (network: NodeMetadata["network"]) => {
      const machine = await simulateMachine({ ...workerMetadata, network, plainHttpPort: 8080 });
      machine.kubernetes.addNode(name, { address: "127.0.0.1", ready: true });
      expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
      return (await podRules(machine)).map((rule) => rule.replace(new URL(machine.server.url).port, "HTTPS"));
    };
    expect(await rulesWith(given)).toEqual(
      ["HTTPS", "8080"].flatMap((port) =>
        ["raw PREROUTING", "mangle FORWARD"].map((chain) => `${chain} -s 10.244.0.0/16 ${dropped(port)}`),
      ),
    );
    expect(await rulesWith(workerMetadata.network)).toEqual(
      expect.arrayContaining(["HTTPS", "8080"].map((port) => `filter FORWARD -s ${podCidr} ${dropped(port)}`)),
    );
  });

  it("applies the manifest on the first control plane only", async () => {
    const machine = await simulateMachine({ ...workerMetadata, network: given });
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: true });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    await expect(read(machine, "kubectl.log")).rejects.toThrow("ENOENT");
  });

  it.each([
    ["a kind does not exist yet", "unable to recognize: no matches for kind IPPool"],
    ["the API server has published no schema yet", "error validating data: failed to download openapi: unknown"],
  ])("retries if %s", async (_, message) => {
    const machine = await simulateFirst(given);
    await writeFile(join(machine.root, "apply-fault"), `rm "$ROOT/apply-fault"; echo "${message}" >&2; exit 1`);
    await machine.run();
    expect(await applied(machine)).toHaveLength(2);
  });

  it("fails at once, with the API server's words, if the API server calls the manifest invalid", async () => {
    const machine = await simulateFirst(given);
    const message = 'The DaemonSet "flannel" is invalid: spec.selector: Required value';
    await writeFile(join(machine.root, "apply-fault"), `echo '${message}' >&2; exit 1`);
    expect(await machine.run()).toMatchObject({ exitCode: 4, error: expect.stringContaining(message) as string });
    expect(await applied(machine)).toHaveLength(1);
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "cluster-config", state: "failed", exitCode: 4 });
  });

  it("applies a manifest that is baked into the image", async () => {
    const machine = await simulateFirst(baked);
    await mkdir(join(machine.root, "usr/share/sprout/templates/networks"));
    await writeFile(join(machine.root, "usr/share/sprout/templates/networks/flannel.yaml"), manifest);
    await machine.run();
    expect(await applied(machine)).toEqual([applying("/usr/share/sprout/templates/networks/flannel.yaml")]);
    await expect(read(machine, "etc/kubernetes/network.yaml")).rejects.toThrow("ENOENT");
  });

  it("exits 3 before the confirmation if the image lacks the manifest", async () => {
    const machine = await simulateFirst(baked);
    expect(await machine.run()).toMatchObject({
      exitCode: 3,
      error:
        "Cannot pass preflight: image: has no network manifest flannel.yaml, it has none; " +
        "bake it in with --network-manifest",
    });
    expect(machine.server.requests.map(({ path }) => path)).not.toContain("/node/v1/claim/confirm");
  });

  it("exits 2 if the credentials lack the manifest that the metadata promises", async () => {
    const machine = await simulateFirst(given);
    const { name } = firstMetadata.self;
    const lacking = mint("control-plane", { allocation: firstMetadata.allocation, name });
    machine.server.faults.set("/node/v1/claim", [{ kind: "body", body: JSON.stringify(lacking) }]);
    expect(await machine.run()).toMatchObject({
      exitCode: 2,
      error: "Cannot render network: the credentials lack networkManifest",
    });
  });
});
