import { describe, expect, it } from "vitest";
import { ImageManifestError, mayDiffer, parseImageManifest, type ImageManifest } from "./manifest.ts";

const sha256 = "a".repeat(64);
const manifest: ImageManifest = {
  schemaVersion: 3,
  kubernetesVersion: "v1.37.2",
  origin: { kind: "modules" },
  architecture: "amd64",
  bakedAt: "2026-01-02T03:04:05.678Z",
  fingerprint: sha256,
  containerd: { version: "2.4.2", flavour: "upstream" },
  debian: {
    codename: "trixie",
    rootfs: [{ name: "runc", version: "1.1.15+ds1-2+b4" }],
    containerImages: [{ name: "busybox", version: "1:1.37.0-6" }],
  },
  binaries: [{ name: "kubelet", sha256, sizeBytes: 1 }],
  containerImages: [{ ref: "registry.k8s.io/pause:3.10.2", digest: `sha256:${sha256}`, sizeBytes: 1 }],
  templates: [{ file: "hosts", sha256 }],
  mayDiffer,
};

const problems = (text: string) => {
  try {
    parseImageManifest(text);
  } catch (error) {
    if (error instanceof ImageManifestError) return error.problems;
    throw error;
  }
  return [];
};

describe("parseImageManifest", () => {
  it("reads what a bake writes", () => {
    expect(parseImageManifest(JSON.stringify(manifest))).toEqual(manifest);
  });

  it("refuses a file that is not JSON or is empty", () => {
    expect(problems("{")).toEqual(["it is not JSON; bake the image again"]);
    expect(problems("")).toEqual(["it is not JSON; bake the image again"]);
    expect(problems("[]")).toEqual(["Expected an object, got an empty list"]);
  });

  it("refuses unknown fields at every depth", () => {
    const text = JSON.stringify({ ...manifest, extra: 1, debian: { ...manifest.debian, mirror: "x" } });
    expect(problems(text)).toEqual(["/debian/mirror: Unknown field", "/extra: Unknown field"]);
  });

  it("lists every wrong value at once, with its path", () => {
    const text = JSON.stringify({
      ...manifest,
      kubernetesVersion: "1.20.2",
      architecture: "x64",
      fingerprint: sha256.toUpperCase(),
      binaries: [{ name: "kubelet", sha256, sizeBytes: 0 }],
      containerImages: [{ ref: "", digest: sha256, sizeBytes: 1 }],
    });
    expect(problems(text)).toEqual([
      '/kubernetesVersion: Expected a version such as v1.37.2, got "1.20.2"',
      '/architecture: Expected "amd64" or "arm64", got "x64"',
      `/fingerprint: Expected a SHA-256 in hexadecimal, got "${"A".repeat(39)}…"`,
      "/binaries/0/sizeBytes: Expected a whole number of at least 1, got 0",
      "/containerImages/0/ref: Expected text of at least 1 character, got 0 characters",
      `/containerImages/0/digest: Expected a digest such as sha256:…, got "${"a".repeat(39)}…"`,
    ]);
  });

  it("refuses another schema version", () => {
    expect(problems(JSON.stringify({ ...manifest, schemaVersion: 2 }))).toEqual(["/schemaVersion: Expected 3, got 2"]);
  });
});
