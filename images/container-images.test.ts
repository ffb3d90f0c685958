import { expect, it } from "vitest";
import { parseImageRefs } from "./container-images.ts";

it("parseImageRefs names images by the last part of their reference", () => {
  const output =
    "registry.k8s.io/kube-proxy:v1.37.2\nregistry.k8s.io/etcd:3.4.13-0\nregistry.test:5000/coredns/coredns:v1.8.0\n";
  expect([...parseImageRefs(output)]).toEqual([
    ["kube-proxy", "registry.k8s.io/kube-proxy:v1.37.2"],
    ["etcd", "registry.k8s.io/etcd:3.4.13-0"],
    ["coredns", "registry.test:5000/coredns/coredns:v1.8.0"],
  ]);
});
