import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { imageFingerprint, type FingerprintInputs } from "./fingerprint.ts";

describe("imageFingerprint", () => {
  let dir: string;
  let inputs: FingerprintInputs;
  let before: string;

  const write = (file: string, text: string) => writeFile(join(dir, file), text);

  beforeEach(async () => {
    dir = await temporaryFolder("fingerprint");
    for (const name of ["templates/systemd", "code", "kubernetes", "runtime"])
      await mkdir(join(dir, name), { recursive: true });
    await write("templates/systemd/kubelet.service", "[Service]\n");
    await write("templates/render.ts", "code");
    await write("code/packages.ts", "packages");
    await write("code/packages.test.ts", "tests");
    await write("bootstrapper", "program");
    await write("kubernetes/kubelet", "kubelet");
    inputs = {
      kubernetesVersion: "v1.37.2",
      architecture: "amd64",
      templatesDir: join(dir, "templates"),
      codeDir: join(dir, "code"),
      bootstrapper: join(dir, "bootstrapper"),
      kubernetesBinariesDir: join(dir, "kubernetes"),
      runtimeDir: join(dir, "runtime"),
      debian: { release: "13", containerd: "upstream" },
      origin: { kind: "release" },
    };
    before = await imageFingerprint(inputs);
  });

  it("stays the same if no input changes", async () => {
    await write("templates/render.ts", "other code");
    await write("code/packages.test.ts", "other tests");
    await utimes(join(dir, "bootstrapper"), 1, 1);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(await imageFingerprint(inputs)).toBe(before);
  });

  it.each([
    ["a template", "templates/systemd/kubelet.service"],
    ["a new template", "templates/hosts"],
    ["the baking code", "code/packages.ts"],
    ["the bootstrapper", "bootstrapper"],
    ["a Kubernetes binary", "kubernetes/kubelet"],
    ["a Kubernetes binary that was missing", "kubernetes/kubeadm"],
    ["the checksums of the Kubernetes binaries", "kubernetes/SHA256SUMS"],
    ["a program that the machine runs in addition to Kubernetes", "runtime/containerd"],
  ])("changes with %s", async (_what, file) => {
    await write(file, "something else");
    expect(await imageFingerprint(inputs)).not.toBe(before);
  });

  it("changes with the source of Kubernetes and of its container images", async () => {
    expect(await imageFingerprint({ ...inputs, origin: { kind: "binaries" } })).not.toBe(before);
    const mirrored = { kind: "release", imageRepository: "registry.test/k8s" };
    expect(await imageFingerprint({ ...inputs, origin: mirrored })).not.toBe(before);
  });

  it("changes with Debian's release and with the flavour of containerd", async () => {
    for (const debian of [
      { release: "12", containerd: "upstream" },
      { release: "13", containerd: "debian" },
    ])
      expect(await imageFingerprint({ ...inputs, debian })).not.toBe(before);
  });

  it("changes with the Kubernetes version and with the architecture", async () => {
    expect(await imageFingerprint({ ...inputs, kubernetesVersion: "v1.37.3" })).not.toBe(before);
    expect(await imageFingerprint({ ...inputs, architecture: "arm64" })).not.toBe(before);
  });

  it("changes with the secrets that are baked in", async () => {
    expect(await imageFingerprint({ ...inputs, launchSecrets: null })).toBe(before);
    expect(await imageFingerprint({ ...inputs, launchSecrets: "a" })).not.toBe(before);
  });

  it("trusts the folder's checksums instead of reading half a gigabyte", async () => {
    await write("kubernetes/SHA256SUMS", "sums");
    const withSums = await imageFingerprint(inputs);
    await write("kubernetes/kubelet", "another kubelet");
    expect(await imageFingerprint(inputs)).toBe(withSums);
  });
});
