import { describe, expect, it } from "vitest";
import { locateKubernetes, toKubernetesOrigin } from "./origin.ts";

describe("toKubernetesOrigin", () => {
  it("builds v1.20.2 from Debian's source and takes every other version from the official release", () => {
    expect(toKubernetesOrigin({ kubernetesVersion: "v1.20.2" })).toEqual({ kind: "debian-source" });
    expect(toKubernetesOrigin({ kubernetesVersion: "v1.31.2" })).toEqual({
      kind: "release",
      releaseUrl: "https://dl.k8s.io/release",
    });
  });

  it("takes v1.20.2 from a release too where a mirror is given", () => {
    const kubernetesVersion = "v1.20.2";
    const releaseUrl = "https://mirror.test/release";
    expect(toKubernetesOrigin({ kubernetesVersion, kubernetesReleaseUrl: releaseUrl })).toEqual({
      kind: "release",
      releaseUrl,
    });
    expect(toKubernetesOrigin({ kubernetesVersion, imageRepository: "mirror.test/k8s/", caFile: "ca.crt" })).toEqual({
      kind: "release",
      releaseUrl: "https://dl.k8s.io/release",
      imageRepository: "mirror.test/k8s",
      caFile: "ca.crt",
    });
  });

  it("refuses a folder and a mirror at once", () => {
    expect(() =>
      toKubernetesOrigin({ kubernetesVersion: "v1.31.2", kubernetesBinaries: "/k8s", imageRepository: "mirror.test" }),
    ).toThrow(
      "Cannot take Kubernetes from two places: give --kubernetes-binaries, or --kubernetes-release-url and --image-repository",
    );
  });
});

it("locateKubernetes keeps what is built and what is downloaded apart", () => {
  const options = { cacheDir: "/cache", kubernetesVersion: "v1.20.2" };
  expect(locateKubernetes({ kind: "debian-source" }, options)).toBe("/cache/kubernetes/v1.20.2");
  expect(locateKubernetes({ kind: "release", releaseUrl: "" }, options)).toBe("/cache/kubernetes-release/v1.20.2");
  expect(locateKubernetes({ kind: "binaries", dir: "/given" }, options)).toBe("/given");
});
