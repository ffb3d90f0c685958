import { describe, expect, it } from "vitest";
import { checkInstance, type InstanceFacts } from "./instance.ts";

const fresh: InstanceFacts = {
  osRelease: 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\nVERSION_CODENAME=bookworm\n',
  userId: 0,
  packages: "amd64",
  process: "amd64",
  isContainerdRunning: false,
  isNode: false,
  hasCloudInit: true,
};
const reasonsAgainst = (facts: Partial<InstanceFacts>) => {
  try {
    checkInstance({ ...fresh, ...facts });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("checkInstance", () => {
  it("takes a fresh instance of Debian 12 or 13, and returns its release", () => {
    expect(checkInstance(fresh)).toBe("12");
    expect(checkInstance({ ...fresh, osRelease: fresh.osRelease.replace("12", "13") })).toBe("13");
  });

  it.each<[Partial<InstanceFacts>, string]>([
    [{ osRelease: "ID=ubuntu\nVERSION_ID=24.04\n" }, "this is ubuntu 24.04; launch it from an AMI of Debian 12 or 13"],
    [{ osRelease: 'ID=debian\nVERSION_ID="11"\n' }, "this is debian 11; launch it from an AMI of Debian 12 or 13"],
    [{ osRelease: "" }, "this is unknown unknown; launch it from an AMI of Debian 12 or 13"],
    [{ userId: 1000 }, "it takes root; run the command with sudo"],
    [{ packages: "arm64" }, "packages here are for arm64 and Sprout is for amd64; take the AMI of amd64"],
    [{ hasCloudInit: false }, "there is no cloud-init, so nobody could log in; launch it from a Debian AMI"],
    [{ isNode: true }, "this machine is a node of a cluster; launch a fresh instance"],
    [{ isContainerdRunning: true }, "containerd runs and has its store open; stop it, or launch a fresh instance"],
  ])("refuses %j and says what to do", (facts, reason) => {
    expect(reasonsAgainst(facts)).toBe(`Cannot make this system an AMI: ${reason}`);
  });

  it("tells every reason at once", () => {
    expect(reasonsAgainst({ userId: 1000, isNode: true }).split("; ")).toHaveLength(4);
  });
});
