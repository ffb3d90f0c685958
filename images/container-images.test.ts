import { expect, it } from "vitest";
import { parseImageRefs } from "./container-images.ts";

it("parseImageRefs names images by the last part of their reference", () => {
  const output = "k8s.gcr.io/kube-proxy:v1.20.2\nk8s.gcr.io/etcd:3.4.13-0\nregistry.test:5000/coredns/coredns:v1.8.0\n";
  expect([...parseImageRefs(output)]).toEqual([
    ["kube-proxy", "k8s.gcr.io/kube-proxy:v1.20.2"],
    ["etcd", "k8s.gcr.io/etcd:3.4.13-0"],
    ["coredns", "registry.test:5000/coredns/coredns:v1.8.0"],
  ]);
});
