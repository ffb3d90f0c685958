import { describe, expect, it } from "vitest";
import {
  defaultKubernetesVersion,
  findRelease,
  isSupportedKubernetes,
  kubernetesMinor,
  kubernetesReleases,
  SupportedKubernetesVersion,
  warnUnverified,
} from "./kubernetes-version.ts";

describe("The table of Kubernetes versions", () => {
  it("is in order, a patch of its own minor for each, the newest by default", () => {
    const minors = kubernetesReleases.map(({ minor }) => minor);
    expect(minors).toEqual(minors.map((_, index) => minors[0]! + index));
    expect(kubernetesReleases.map(({ version }) => kubernetesMinor(version))).toEqual(minors);
    expect(defaultKubernetesVersion).toBe(kubernetesReleases.at(-1)?.version);
  });

  it("has a release for every patch of its minors, and for no other version", () => {
    expect(findRelease("v1.34.99")).toBe(kubernetesReleases[0]);
    expect(findRelease("v1.33.0")).toBeUndefined();
    expect(findRelease("v1.99.0")).toBeUndefined();
  });
});

describe("A Kubernetes version", () => {
  it.each([
    ["v1.33.9", false],
    ["v1.34.0", true],
    ["v1.37.2", true],
    ["v1.99.0", true],
    ["v2.37.0", false],
    ["v0.37.0", false],
  ])("%s is supported: %s", (version, isSupported) => {
    expect(isSupportedKubernetes(version)).toBe(isSupported);
    expect(SupportedKubernetesVersion.safeParse(version).success).toBe(isSupported);
  });

  it.each(["1.37.2", "v1.37", "v1.37.2-rc.1", "v1.x.2", "", "v1.37.2\n"])(
    "%j is none, and nothing more is said of it",
    (text) => {
      expect(SupportedKubernetesVersion.safeParse(text).error?.issues).toMatchObject([
        { message: "must be a version such as v1.37.2" },
      ]);
      expect(() => kubernetesMinor(text)).toThrow("must be a version such as v1.37.2");
    },
  );

  it("that is newer than the table is unverified, an older one is not worth a warning", () => {
    expect(warnUnverified("v1.38.1")).toBe(
      "Kubernetes v1.38.1 is unverified: newer than what was tried (v1.34.x, v1.35.x, v1.36.x, v1.37.x)",
    );
    for (const version of ["v1.33.0", "v1.34.0", "v1.37.2"]) expect(warnUnverified(version)).toBeUndefined();
  });
});
