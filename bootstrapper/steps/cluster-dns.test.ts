import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { firstMetadata, imageManifest } from "../fixtures.ts";
import { waitForClusterDns } from "./cluster-dns.ts";

describe("cluster DNS", () => {
  it.each([
    [true, 1],
    [false, 0],
  ])("is installed where the image has CoreDNS: %s", async (clusterDns, times) => {
    const machine = await simulateMachine(firstMetadata, 4);
    const manifest = JSON.stringify({ ...imageManifest, clusterDns });
    await writeFile(join(machine.root, "usr/share/sprout/manifest.json"), manifest);
    machine.kubernetes.addNode(firstMetadata.self.name, { address: "127.0.0.1", ready: true });
    // Its peer never comes.
    expect(await machine.run()).toMatchObject({ exitCode: 1 });
    const calls = (await readFile(join(machine.root, "kubeadm.log"), "utf8")).split("\n");
    expect(calls.filter((call) => call.startsWith("init phase addon kube-proxy "))).toHaveLength(1);
    expect(calls.filter((call) => call.startsWith("init phase addon coredns "))).toHaveLength(times);
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
