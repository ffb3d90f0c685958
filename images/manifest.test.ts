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

  it("refuses what is not JSON, and an empty file", () => {
    expect(problems("{")).toEqual(["is not JSON, bake the image again"]);
    expect(problems("")).toEqual(["is not JSON, bake the image again"]);
    expect(problems("[]")).toEqual(["manifest: Invalid input: expected object, received array"]);
  });

  it("refuses unknown fields at every depth", () => {
    const text = JSON.stringify({ ...manifest, extra: 1, debian: { ...manifest.debian, mirror: "x" } });
    expect(problems(text)).toEqual(['debian: Unrecognized key: "mirror"', 'manifest: Unrecognized key: "extra"']);
  });

  it("lists every wrong value at once, by its place", () => {
    const text = JSON.stringify({
      ...manifest,
      kubernetesVersion: "1.20.2",
      architecture: "x64",
      fingerprint: sha256.toUpperCase(),
      binaries: [{ name: "kubelet", sha256, sizeBytes: 0 }],
      containerImages: [{ ref: "", digest: sha256, sizeBytes: 1 }],
    });
    expect(problems(text)).toEqual([
      "kubernetesVersion: must be a version such as v1.37.2",
      'architecture: Invalid option: expected one of "amd64"|"arm64"',
      "fingerprint: must be a SHA-256 in hexadecimal",
      "binaries.0.sizeBytes: Too small: expected number to be >0",
      "containerImages.0.ref: Too small: expected string to have >=1 characters",
      "containerImages.0.digest: must be a digest like sha256:…",
    ]);
  });

  it("refuses another schema version", () => {
    expect(problems(JSON.stringify({ ...manifest, schemaVersion: 2 }))).toEqual([
      "schemaVersion: Invalid input: expected 3",
    ]);
  });
});
