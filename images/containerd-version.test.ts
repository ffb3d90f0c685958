import { expect, it } from "vitest";
import { checkContainerd } from "./containerd-version.ts";

const debian12 = [{ name: "containerd", version: "1.6.20~ds1-1+deb12u3" }];

it("checkContainerd refuses Kubernetes from 1.36 on with containerd 1", () => {
  expect(() => checkContainerd("v1.36.0", debian12)).toThrow(
    "Cannot bake Kubernetes v1.36.0: it needs containerd 2, Debian's is 1.6.20~ds1-1+deb12u3; choose v1.35.x or older",
  );
  expect(checkContainerd("v1.35.9", debian12)).toBeUndefined();
  expect(checkContainerd("v1.36.0", [{ name: "containerd", version: "2.1.4-1" }])).toBeUndefined();
});
