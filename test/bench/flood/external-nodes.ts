import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Namespace } from "../../fixtures/namespaces.ts";
import type { NamespaceServer } from "../../fixtures/serve-in-namespace.ts";

/** A machine of the provider `external` as the server knows it. */
export interface ExternalNode {
  allocation: string;
  capability: string;
  mac: string;
}

interface Options {
  server: NamespaceServer;
  folder: string;
  source: string;
}

const macs = ["52:54:00:0f:00:01", "52:54:00:0f:00:02"];

/** Creates two clusters of one node each. The first node has its metadata, so that it may claim. */
export async function createExternalNodes(
  namespace: Namespace,
  { server, folder, source }: Options,
): Promise<[ExternalNode, ExternalNode]> {
  const authorize = async (token: string, name: string) => {
    const file = join(folder, name);
    await writeFile(file, `header = "Authorization: Bearer ${token}"\nheader = "Content-Type: application/json"\n`);
    return file;
  };
  const call = async <T>(header: string, path: string, method: string, data = "{}"): Promise<T> => {
    const body = method === "GET" ? "" : ` --data ${data}`;
    const tls = `--fail-with-body --cacert ${server.caFile} --interface ${source} --config ${header}`;
    return JSON.parse(await namespace.run(`curl -s ${tls} -X ${method}${body} https://${server.api}${path}`)) as T;
  };
  const api = await authorize(server.token, "api");
  const nodes: ExternalNode[] = [];
  for (const [index, mac] of macs.entries()) {
    const body = `{"name":"flood${index}","nodes":1,"provider":"external"}`;
    const { id, members } = await call<{ id: string; members: { name: string }[] }>(api, "/v1/clusters", "POST", body);
    const path = `/v1/clusters/${id}/members/${members[0]?.name}/user-data?format=seed`;
    const { capability } = await call<{ capability: string }>(api, path, "POST");
    const node = await authorize(capability, `node${index}`);
    const asked = `/node/v1/metadata?mac=${mac}&address=${source}`;
    const { allocation } = await call<{ allocation: string }>(node, asked, "GET");
    nodes.push({ allocation, capability, mac });
  }
  return nodes as [ExternalNode, ExternalNode];
}
