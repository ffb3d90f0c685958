import { describe, expect, it } from "vitest";
import { locateKubernetes, toKubernetesOrigin } from "./origin.ts";

const kubernetesVersion = "v1.37.2";
const official = { releaseUrl: "https://dl.k8s.io/release", githubUrl: "https://github.com" };

describe("toKubernetesOrigin", () => {
  it("returns auto by default, which chooses between the official release and modules", () => {
    expect(toKubernetesOrigin({ kubernetesVersion })).toEqual({ kind: "auto", release: official });
    expect(toKubernetesOrigin({ kubernetesVersion, kubernetesSource: "auto" }).kind).toBe("auto");
  });

  it("returns the given source", () => {
    expect(toKubernetesOrigin({ kubernetesVersion, kubernetesSource: "modules" })).toEqual({ kind: "modules" });
    expect(toKubernetesOrigin({ kubernetesVersion, kubernetesSource: "release" })).toEqual({
      kind: "release",
      ...official,
    });
    expect(toKubernetesOrigin({ kubernetesVersion, kubernetesBinaries: "/k8s" })).toEqual({
      kind: "binaries",
      dir: "/k8s",
    });
  });

  it("returns the release if a mirror of it is given", () => {
    expect(
      toKubernetesOrigin({
        kubernetesVersion,
        imageRepository: "mirror.test/k8s/",
        caFile: "ca.crt",
        githubUrl: "https://mirror.test",
      }),
    ).toEqual({
      kind: "release",
      releaseUrl: "https://dl.k8s.io/release",
      githubUrl: "https://mirror.test",
      imageRepository: "mirror.test/k8s",
      caFile: "ca.crt",
    });
  });

  it.each([
    [
      { kubernetesBinaries: "/k8s", imageRepository: "mirror.test" },
      "--kubernetes-binaries excludes --image-repository",
    ],
    [
      { kubernetesBinaries: "/k8s", kubernetesSource: "release" as const },
      "--kubernetes-binaries excludes --kubernetes-source",
    ],
    [
      { kubernetesSource: "modules" as const, kubernetesReleaseUrl: "https://mirror.test" },
      "--kubernetes-source modules excludes --kubernetes-release-url",
    ],
  ])("refuses two sources at once: %j", (flags, why) => {
    expect(() => toKubernetesOrigin({ kubernetesVersion, ...flags })).toThrow(
      `Cannot take Kubernetes from two sources: ${why}`,
    );
  });
});

it("locateKubernetes returns different folders for compiled and downloaded programs", () => {
  const options = { cacheDir: "/cache", kubernetesVersion };
  expect(locateKubernetes({ kind: "modules" }, options)).toBe("/cache/kubernetes-modules/v1.37.2");
  expect(locateKubernetes({ kind: "release", ...official }, options)).toBe("/cache/kubernetes-release/v1.37.2");
  expect(locateKubernetes({ kind: "binaries", dir: "/given" }, options)).toBe("/given");
});
