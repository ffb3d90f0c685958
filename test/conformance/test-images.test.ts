import { expect, it } from "vitest";
import { nameOf } from "./test-images.ts";

it("nameOf recognises upstream's test images by their registry, whatever their tag", () => {
  expect(nameOf("registry.k8s.io/e2e-test-images/agnhost:2.66.1")).toBe("agnhost");
  expect(nameOf("registry.k8s.io/e2e-test-images/volume/nfs:1.6.0")).toBe("volume/nfs");
  expect(nameOf("registry.k8s.io/pause:3.10.2")).toBeUndefined();
  expect(nameOf("gcr.io/k8s-authenticated-test/agnhost:2.6")).toBeUndefined();
});
