import { describe, expect, it } from "vitest";
import { renderNode } from "../../test/fixtures/rendered-node.ts";
import {
  firstCredentials,
  furtherMetadata,
  workerCredentials,
  workerMetadata,
} from "../../test/fixtures/node-documents.ts";

describe("renderNodeFiles", () => {
  it("leads the endpoint to the node's load balancer on a worker, to itself on a control plane", async () => {
    const metadata = { ...workerMetadata, controlPlanes: furtherMetadata.controlPlanes };
    expect((await renderNode(metadata, workerCredentials)).text("/etc/hosts")).toBe(
      [
        "127.0.0.1 localhost",
        "10.77.0.14 node03.build126.test node03",
        "10.77.0.11 cp01.build126.test",
        "10.77.0.12 cp02.build126.test",
        "10.77.0.13 cp03.build126.test",
        "127.0.0.1 api.build126.test",
        "",
      ].join("\n"),
    );
    const further = await renderNode(furtherMetadata, firstCredentials);
    expect(further.text("/etc/hosts")).toContain("10.77.0.12 api.build126.test\n");
    expect(further.text("/etc/hosts")).not.toContain("10.77.0.11 api.build126.test\n");
  });

  it("leads a virtual endpoint to that address on a worker, and gives it to the control planes", async () => {
    const shared = { virtualAddress: "10.77.0.250" };
    const worker = await renderNode({ ...workerMetadata, ...shared }, workerCredentials);
    expect(worker.text("/etc/hosts")).toContain("10.77.0.250 api.build126.test\n");
    expect(worker.files.map(({ path }) => path)).not.toContain("/etc/haproxy/sprout.cfg");
    const { text } = await renderNode({ ...furtherMetadata, ...shared }, firstCredentials);
    expect(text("/etc/hosts")).toContain("10.77.0.12 api.build126.test\n");
    expect(text("/etc/haproxy/sprout.cfg")).toContain("bind 10.77.0.250:6443 transparent\n");
    const peers = text("/etc/keepalived/sprout.conf").match(/10\.77\.0\.\d+(?=\n)/g);
    expect(peers).toEqual(["10.77.0.12", "10.77.0.11", "10.77.0.13"]);
    expect(text("/etc/keepalived/sprout.conf")).toContain("10.77.0.250/32 dev eth0\n");
    // In the cluster's own configuration it would be every other control plane's, too.
    expect(text("/etc/kubernetes/kubeadm-static-pods.yaml")).toContain("bind-address");
    expect(text("/etc/kubernetes/kubeadm.yaml")).not.toContain("bind-address");
  });

  it("leaves an external endpoint to the resolver on a worker, without a load balancer of its own", async () => {
    const external = { endpoint: "lb.example.com:6443", hasExternalEndpoint: true as const };
    const worker = { ...workerMetadata, ...external, controlPlanes: furtherMetadata.controlPlanes };
    const { text, files } = await renderNode(worker, workerCredentials);
    expect(text("/etc/hosts")).toContain("10.77.0.12 cp02.build126.test\n");
    expect(text("/etc/hosts")).not.toContain("lb.example.com");
    expect(files.map(({ path }) => path)).not.toContain("/etc/haproxy/sprout.cfg");
    expect(JSON.parse(text("/etc/sprout/network-agent.json"))).toMatchObject({
      servers: ["https://lb.example.com:6443", ...["11", "12", "13"].map((last) => `https://10.77.0.${last}:6443`)],
    });
    const controlPlane = await renderNode({ ...furtherMetadata, ...external }, firstCredentials);
    expect(controlPlane.text("/etc/hosts")).toContain("10.77.0.12 lb.example.com\n");
  });
});
