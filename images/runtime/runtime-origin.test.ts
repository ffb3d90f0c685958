import { describe, expect, it } from "vitest";
import { locateRuntime, planRuntime } from "./runtime-origin.ts";

describe("planRuntime", () => {
  it("plans the table's containerd, crictl and every CNI plugin", () => {
    const { containerd, programs, key } = planRuntime("v1.37.2", "upstream");
    expect(containerd).toBe("2.4.2");
    expect(programs).toEqual(
      expect.arrayContaining(["containerd", "containerd-shim-runc-v2", "ctr", "crictl", "bridge", "portmap"]),
    );
    expect(key).toBe("containerd-2.4.2-cni-1.10.0-crictl-1.37.0");
  });

  it("plans the newest containerd for a version newer than the table", () => {
    expect(planRuntime("v1.99.0", "upstream")).toEqual(planRuntime("v1.37.2", "upstream"));
  });

  it("leaves containerd to Debian up to 1.37, in a separate folder", () => {
    const { containerd, programs, key } = planRuntime("v1.37.2", "debian");
    expect(containerd).toBeUndefined();
    expect(programs).toEqual(expect.arrayContaining(["crictl", "bridge", "portmap"]));
    expect(programs.filter((name) => name.startsWith("containerd") || name === "ctr")).toEqual([]);
    expect(key).toBe("cni-1.10.0-crictl-1.37.0");
  });

  it("refuses Debian's containerd from 1.38 on", () => {
    expect(() => planRuntime("v1.38.0", "debian")).toThrow(
      "Cannot bake Kubernetes v1.38.0 with Debian's containerd 1.x: it needs containerd 2; omit --containerd debian",
    );
  });
});

it("locateRuntime returns different folders for compiled and downloaded programs", () => {
  const options = { cacheDir: "/cache", key: "cni-1.10.0" };
  expect(locateRuntime({ kind: "modules" }, options)).toBe("/cache/runtime-modules/cni-1.10.0");
  expect(locateRuntime({ kind: "release", githubUrl: "https://github.com" }, options)).toBe(
    "/cache/runtime-release/cni-1.10.0",
  );
  expect(locateRuntime({ kind: "binaries", dir: "/given" }, options)).toBe("/given");
});
