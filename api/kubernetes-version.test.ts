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

describe("kubernetesReleases", () => {
  it("lists minor versions in order, each with one patch version, the newest as default", () => {
    const minors = kubernetesReleases.map(({ minor }) => minor);
    expect(minors).toEqual(minors.map((_, index) => minors[0]! + index));
    expect(kubernetesReleases.map(({ version }) => kubernetesMinor(version))).toEqual(minors);
    expect(defaultKubernetesVersion).toBe(kubernetesReleases.at(-1)?.version);
  });

  it("finds a release for every patch of its minor versions, and for no other version", () => {
    expect(findRelease("v1.34.99")).toBe(kubernetesReleases[0]);
    expect(findRelease("v1.33.0")).toBeUndefined();
    expect(findRelease("v1.99.0")).toBeUndefined();
  });
});

describe("SupportedKubernetesVersion", () => {
  it.each([
    ["v1.33.9", false],
    ["v1.34.0", true],
    ["v1.37.2", true],
    ["v1.99.0", true],
    ["v2.37.0", false],
    ["v0.37.0", false],
  ])("accepts or refuses %s: %s", (version, isSupported) => {
    expect(isSupportedKubernetes(version)).toBe(isSupported);
    expect(SupportedKubernetesVersion.safeParse(version).success).toBe(isSupported);
  });

  it.each(["1.37.2", "v1.37", "v1.37.2-rc.1", "v1.x.2", "", "v1.37.2\n"])("refuses %j with one message", (text) => {
    expect(SupportedKubernetesVersion.safeParse(text).error?.issues).toMatchObject([
      { message: "a version such as v1.37.2" },
    ]);
    expect(() => kubernetesMinor(text)).toThrow("a version such as v1.37.2");
  });

  it("warns of a version newer than the table, not of an older one", () => {
    expect(warnUnverified("v1.38.1")).toBe(
      "Kubernetes v1.38.1 is unverified: newer than what was tried (v1.34.x, v1.35.x, v1.36.x, v1.37.x)",
    );
    for (const version of ["v1.33.0", "v1.34.0", "v1.37.2"]) expect(warnUnverified(version)).toBeUndefined();
  });
});
