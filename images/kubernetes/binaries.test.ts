import { chmod, copyFile, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { architectures, hostArchitecture } from "#lib/architecture.ts";
import { BinariesError, checkBinaries, kubernetesPrograms, readChecksums, writeChecksums } from "./binaries.ts";

/** Each program is replaced by echo, which repeats the question. */
const questions = { kubeadm: ["v1.37.2"], kubelet: ["Kubernetes v1.37.2"], kubectl: ["Client Version: v1.37.2"] };

describe("checkBinaries", () => {
  let dir: string;

  beforeEach(async () => {
    dir = await temporaryFolder("binaries");
    for (const name of kubernetesPrograms) await copyFile("/bin/echo", join(dir, name));
  });

  const problems = async (asked: Record<string, string[]> = questions) => {
    const { signal } = new AbortController();
    const options = { kubernetesVersion: "v1.37.2", questions: asked, architecture: hostArchitecture(), signal };
    try {
      await checkBinaries(dir, options);
    } catch (error) {
      if (error instanceof BinariesError) return error.problems;
      throw error;
    }
    return [];
  };

  it("accepts a complete folder", async () => {
    expect(await problems()).toEqual([]);
  });

  it("refuses a folder with every missing, unusable or foreign program at once", async () => {
    const foreign = architectures.find(({ node }) => node !== process.arch);
    await rm(join(dir, "pause"));
    await chmod(join(dir, "kubelet"), 0o644);
    await writeFile(join(dir, "kubectl"), "#!/bin/sh\n");
    const file = await open(join(dir, "kube-proxy"), "r+");
    await file.write(Buffer.from([foreign?.elfMachine ?? 0, 0]), 0, 2, 18);
    await file.close();
    expect(await problems()).toEqual([
      `kube-proxy is for ${foreign?.debian}, this machine is ${hostArchitecture().debian}`,
      "kubectl is not a Linux program",
      "kubelet is not executable",
      "pause is missing",
    ]);
  });

  it("refuses programs of another version, and one that prints no version", async () => {
    expect(await problems({ ...questions, kubelet: ["Kubernetes v1.36.3"], kubectl: ["v1.37.2-rc.1"] })).toEqual([
      "kubectl is v1.37.2-rc.1, expected v1.37.2",
      "kubelet is v1.36.3, expected v1.37.2",
    ]);
    expect(await problems({ kubeadm: ["help"] })).toEqual(['kubeadm is "help", expected v1.37.2']);
  });

  it("refuses a missing folder and names every program", async () => {
    await rm(dir, { recursive: true });
    expect(await problems()).toHaveLength(kubernetesPrograms.length);
  });

  it("writeChecksums writes checksums that sha256sum confirms", async () => {
    expect(await readChecksums(dir)).toBeNull();
    await writeChecksums(dir);
    expect(await readChecksums(dir)).toBe(await readFile(join(dir, "SHA256SUMS"), "utf8"));
    const { stdout } = await execa("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: dir });
    expect(stdout.split("\n")).toEqual(kubernetesPrograms.map((name) => `${name}: OK`));
  });
});
