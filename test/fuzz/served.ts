import { rm } from "node:fs/promises";
import { ClaimConfirmed } from "#api/credentials.ts";
import { Cluster } from "#api/cluster.ts";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { Ec2UserData } from "#api/ec2-user-data.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { type MortalProcess, startSproutServe } from "../fixtures/mortal-process.ts";

/** Starts `sprout serve` on loopback, with an empty cache: it can launch nothing, and needs no root. */
export async function serveForFuzzing(folder: string): Promise<MortalProcess> {
  const port = await findFreePort();
  const flags = [
    `--data-dir=${folder}/data`,
    `--cache-dir=${folder}/cache`,
    "--listen-address=127.0.0.1",
    `--port=${port}`,
    `--external-server-url=https://127.0.0.1:${port}`,
    `--external-kubernetes-versions=${defaultKubernetesVersion}`,
  ];
  await rm(folder, { recursive: true, force: true });
  return startSproutServe(flags, process.env);
}

/** Brings a node of a new external cluster up to its report token. */
export async function createReportToken(server: MortalProcess): Promise<string> {
  const ask = async (path: string, options: { method?: string; token?: string; body?: object }) => {
    const answer = await server.request(path, options);
    if (answer === undefined || answer.status >= 300) throw new Error(`Cannot prepare a node: ${answer?.text}`);
    return JSON.parse(answer.text) as unknown;
  };
  const created = await ask("/v1/clusters", { body: { nodes: 1, provider: "external" } });
  const { id, members } = Cluster.parse(created);
  const [member] = members;
  if (member === undefined) throw new Error("The cluster has no member");
  const userData = await ask(`/v1/clusters/${id}/members/${member.name}/user-data`, { method: "POST" });
  const [token = ""] = Ec2UserData.parse(userData).sprout.capabilities;
  const body = {
    allocation: member.allocation,
    hardware: { macs: ["52:54:00:00:00:01"], addresses: ["192.0.2.10"] },
  };
  await ask("/node/v1/claim", { token, body });
  return ClaimConfirmed.parse(await ask("/node/v1/claim/confirm", { token, body })).reportToken;
}
