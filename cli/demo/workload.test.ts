import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { Kubectl } from "./kubectl.ts";
import { runWorkload } from "./workload.ts";

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function startNodePort(answer: string): Promise<number> {
  const server = createServer((_request, response) => response.end(`${answer}\n`)).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const pod = (node: string, podIP: string) => ({
  metadata: { name: `web-${node}` },
  spec: { nodeName: node },
  status: { podIP, hostIP: "127.0.0.1" },
});

/** A fake kubectl: two pods, whose wget answers what `answers` says for each URL. */
async function fakeKubectl(answers: (url: string, from: string) => string): Promise<Kubectl> {
  const nodePort = await startNodePort("cp01");
  return async (args) => {
    if (args[0] === "get" && args[1] === "pods")
      return JSON.stringify({ items: [pod("cp01", "10.244.0.2"), pod("node01", "10.244.1.2")] });
    if (args[0] === "get") return JSON.stringify({ spec: { clusterIP: "10.96.0.9", ports: [{ nodePort }] } });
    if (args[0] === "exec") {
      const urls = args.slice(args.indexOf("sh", 6) + 1);
      return urls.map((url) => answers(url, String(args[1]))).join("\n");
    }
    return "";
  };
}

const options = { nodes: 2, timeoutMs: 50, signal: new AbortController().signal, now: Date.now };
const names: Record<string, string> = { "http://10.244.0.2:8080/": "cp01", "http://10.244.1.2:8080/": "node01" };
let turn = 0;
const service = () => ((turn += 1) % 2 === 0 ? "cp01" : "node01");

it("a workload that answers everywhere is counted for every kind of request", async () => {
  const kubectl = await fakeKubectl((url) => names[url] ?? service());
  expect(await runWorkload({ ...options, kubectl })).toMatchObject({
    pods: 2,
    crossNode: 2,
    serviceBackends: 2,
    serviceNames: 2,
    nodePorts: 2,
    retries: 0,
  });
});

it("a pod that another node cannot reach is named with both nodes", async () => {
  const kubectl = await fakeKubectl((url, from) => (from === "web-node01" ? "" : (names[url] ?? service())));
  await expect(runWorkload({ ...options, kubectl })).rejects.toMatchObject({
    exitCode: 1,
    message: "The workload does not answer: the pod on node01 cannot reach the one on cp01 (10.244.0.2): no answer",
  });
});

it("a backend that the Service never answers from is named", async () => {
  const kubectl = await fakeKubectl((url) => names[url] ?? "cp01");
  await expect(runWorkload({ ...options, kubectl })).rejects.toThrow(
    "The workload does not answer: the Service 10.96.0.9 never answered from node01",
  );
});

it("a node whose pods cannot resolve the Service's name is named", async () => {
  const kubectl = await fakeKubectl((url, from) =>
    url === "http://sprout-demo/" && from === "web-node01" ? "" : (names[url] ?? service()),
  );
  await expect(runWorkload({ ...options, kubectl })).rejects.toThrow(
    "The workload does not answer: the pod on node01 cannot reach the Service by its name: no answer",
  );
});

it("a repeated check counts as a retry", async () => {
  let asked = 0;
  const kubectl = await fakeKubectl((url) => ((asked += 1) === 1 ? "" : (names[url] ?? service())));
  expect(await runWorkload({ ...options, timeoutMs: 5000, kubectl })).toMatchObject({ crossNode: 2, retries: 1 });
});

it("a node without a pod is an error", async () => {
  const kubectl = await fakeKubectl(() => "");
  await expect(runWorkload({ ...options, nodes: 3, kubectl })).rejects.toThrow(
    "The workload does not answer: a pod runs on 2 of 3 nodes: cp01, node01",
  );
});
