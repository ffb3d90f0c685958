import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { firstMetadata } from "../fixtures.ts";
import { waitForClusterDns } from "./cluster-dns.ts";

describe("cluster DNS", () => {
  it("is installed by the first control plane", async () => {
    const machine = await simulateMachine(firstMetadata, 4);
    machine.kubernetes.addNode(firstMetadata.self.name, { address: "127.0.0.1", ready: true });
    // Its peer never comes.
    expect(await machine.run()).toMatchObject({ exitCode: 1 });
    const calls = (await readFile(join(machine.root, "kubeadm.log"), "utf8")).split("\n");
    for (const addon of ["kube-proxy", "coredns"])
      expect(calls.filter((call) => call.startsWith(`init phase addon ${addon} `))).toHaveLength(1);
  });

  it("is waited for until one replica is available", async () => {
    const answers = [undefined, { status: {} }, { status: { availableReplicas: 1 } }];
    const asked: string[] = [];
    const get = async <T>(path: string) => {
      asked.push(path);
      return answers.shift() as T;
    };
    await waitForClusterDns({ get }, AbortSignal.timeout(5000));
    expect(asked).toEqual(Array(3).fill("/apis/apps/v1/namespaces/kube-system/deployments/coredns"));
  });

  it("is named where it does not come", async () => {
    const api = { get: async () => undefined };
    await expect(waitForClusterDns(api, AbortSignal.timeout(300))).rejects.toThrow(
      "Cannot get cluster DNS: no replica of coredns is available",
    );
  });
});
