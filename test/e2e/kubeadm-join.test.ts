import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();
const node01 = "node01.joined.sprout.internal";

describe.skipIf(reason !== null)(`workers that join by kubeadm${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let cluster: Cluster;

  beforeAll(async () => {
    await prepareImage();
    lab = await startLab();
    const created = await lab.client.create({ name: "joined", nodes: 3, provider: "nspawn", join: "kubeadm" });
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 220_000 });
  });

  afterAll(() => lab.close());

  const exec = async (index: number, argv: string[]) => {
    const { allocation } = cluster.members[index]!;
    const { exitCode, stdout, stderr } = await execInMachine({ machinesDir: lab.machinesDir, allocation }, argv);
    return exitCode === 0 ? stdout : `exit code ${exitCode}: ${stderr}`;
  };

  const reported = async () =>
    (await lab.client.get(cluster.id)).members
      .slice(1)
      .map((member) => member.phases.map(({ phase, state }) => `${phase} ${state}`));

  it("become Ready, and a pod answers on each", async () => {
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    const available = await lab.client.wait(cluster.id, { condition: "available", timeoutMs: 120_000 });
    expect(available.availableAt).not.toBeNull();
  });

  it("leave their kubelet to kubeadm, which finishes some seconds after the Node is Ready", async () => {
    const joined = expect.arrayContaining(["join done"]) as unknown;
    await expect.poll(reported, { timeout: 30_000 }).toEqual([joined, joined]);
    expect((await reported()).flat()).not.toContain("kubelet done");
  });

  it("get the kubelet's certificate from the cluster, requested with their bootstrap certificate", async () => {
    const requests = await exec(0, [
      "kubectl",
      "get",
      "csr",
      "-o",
      "jsonpath={range .items[*]}{.spec.username} {.spec.groups[0]} {.status.conditions[0].type}{'\\n'}{end}",
    ]);
    const workers = cluster.members
      .slice(1)
      .map(
        ({ allocation }) => `system:bootstrap:${allocation} system:bootstrappers:kubeadm:default-node-token Approved`,
      );
    expect(requests.trim().split("\n").toSorted()).toEqual(workers.toSorted());
    const pem = await exec(1, ["cat", "/var/lib/kubelet/pki/kubelet-client-current.pem"]);
    expect(new X509Certificate(pem).subject).toBe(`O=system:nodes\nCN=system:node:${node01}`);
  });

  it("keep no bootstrap certificate, and no token was ever valid for more than a second", async () => {
    expect(await exec(1, ["sh", "-c", "cd /etc/kubernetes && find . -type f | sort"])).toBe(
      ["./kubeadm-join.yaml", "./kubelet.conf", "./patches/kubeletconfiguration.yaml", "./pki/ca.crt"].join("\n"),
    );
    expect(
      await exec(0, [
        "kubectl",
        "-n",
        "kube-system",
        "get",
        "secrets",
        "--field-selector",
        "type=bootstrap.kubernetes.io/token",
        "-o",
        "name",
      ]),
    ).toBe("");
  });

  it("run with the kubelet configuration and the address of the plan", async () => {
    expect(await exec(1, ["cat", "/var/lib/kubelet/config.yaml"])).toContain("nodeStatusUpdateFrequency: 1s");
    const flags = await exec(1, ["cat", "/var/lib/kubelet/kubeadm-flags.env"]);
    expect(flags).toContain(`--node-ip=${cluster.members[1]!.address}`);
    const node = await exec(0, [
      "kubectl",
      "get",
      "node",
      node01,
      "-o",
      "jsonpath={.status.addresses[?(@.type=='InternalIP')].address} {.spec.podCIDR}",
    ]);
    expect(node).toBe(`${cluster.members[1]!.address} ${cluster.members[1]!.podCidr}`);
  });

  it("serve with the cluster's own certificate", async () => {
    const connect = [
      "openssl",
      "s_client",
      "-connect",
      `${cluster.members[1]!.address}:10250`,
      "-CAfile",
      "/etc/kubernetes/pki/ca.crt",
      "-verify_return_error",
    ];
    expect(await exec(0, connect)).toContain("Verify return code: 0 (ok)");
  });
});
