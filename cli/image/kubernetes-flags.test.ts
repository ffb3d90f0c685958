import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { readEnvironment } from "../environment.ts";
import { addKubernetesOptions, type KubernetesFlags } from "./kubernetes-flags.ts";

function parse(...argv: string[]): KubernetesFlags {
  const command = addKubernetesOptions(new Command(), readEnvironment({ NODE_EXTRA_CA_CERTS: "/extra.crt" }));
  return command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse(argv, { from: "user" })
    .opts();
}

describe("addKubernetesOptions", () => {
  it("defaults to v1.37.2 on Debian 13 with containerd 2, and to the authority of the environment", () => {
    expect(parse()).toEqual({
      kubernetesVersion: "v1.37.2",
      debian: "13",
      containerd: "upstream",
      caFile: "/extra.crt",
    });
    expect(parse("--ca-file", "/mine.crt").caFile).toBe("/mine.crt");
  });

  it.each([
    ["--kubernetes-version", "v1.33.9", "Expected a version of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer"],
    ["--kubernetes-version", "v2.37.0", "Expected a version of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer"],
    ["--kubernetes-version", "1.37", "Expected a version such as v1.37.2"],
    ["--kubernetes-source", "apt", "Allowed choices are auto, release, modules"],
    ["--debian", "11", "Allowed choices are 12, 13"],
    ["--containerd", "docker", "Allowed choices are upstream, debian"],
    ["--kubernetes-release-url", "ftp://mirror.test", "Expected an https URL without credentials"],
    ["--kubernetes-release-url", "https://robot:secret@mirror.test", "Expected an https URL without credentials"],
    ["--image-repository", "https://mirror.test/k8s", "Expected HOST[:PORT][/PATH], such as registry.example.com/k8s"],
    ["--image-repository", "k8s", "Expected HOST[:PORT][/PATH], such as registry.example.com/k8s"],
    ["--image-repository", "mirror.test/K8s", "Expected HOST[:PORT][/PATH], such as registry.example.com/k8s"],
  ])("refuses %s %s", (flag, value, why) => {
    expect(() => parse(flag, value)).toThrow(why);
  });

  it("accepts a version that is newer than the table", () => {
    expect(parse("--kubernetes-version", "v1.38.0").kubernetesVersion).toBe("v1.38.0");
  });

  it.each(["mirror.test", "localhost:5000/k8s", "mirror:5000", "10.0.0.1:5000/a/b-c", "[::1]:5000/k8s"])(
    "accepts the repository %s",
    (repository) => {
      expect(parse("--image-repository", repository).imageRepository).toBe(repository);
    },
  );
});
