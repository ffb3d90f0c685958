import { describe, expect, it } from "vitest";
import { cgroupProcesses, parseOwnCgroups } from "./cgroups.ts";

describe("parseOwnCgroups", () => {
  it("finds the folder of every hierarchy of a hybrid host", () => {
    const text = "9:name=systemd:/\n4:memory:/agent/17\n2:cpu,cpuacct:/\n0::/\n";
    expect(parseOwnCgroups(text)).toEqual(
      [
        "/sys/fs/cgroup/systemd",
        "/sys/fs/cgroup/memory/agent/17",
        "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/unified",
      ].map((folder) => (folder.endsWith("17") ? folder : `${folder}/`)),
    );
  });
});

describe("cgroupProcesses", () => {
  it("returns no process for a cgroup that does not exist", async () => {
    expect(await cgroupProcesses("/sys/fs/cgroup/there-is-none")).toEqual([]);
  });
});
