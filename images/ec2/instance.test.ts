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
  it("returns the release of a fresh instance of Debian 12 or 13", () => {
    expect(checkInstance(fresh)).toBe("12");
    expect(checkInstance({ ...fresh, osRelease: fresh.osRelease.replace("12", "13") })).toBe("13");
  });

  it.each<[Partial<InstanceFacts>, string]>([
    [{ osRelease: "ID=ubuntu\nVERSION_ID=24.04\n" }, "this is ubuntu 24.04; launch it from an AMI of Debian 12 or 13"],
    [{ osRelease: 'ID=debian\nVERSION_ID="11"\n' }, "this is debian 11; launch it from an AMI of Debian 12 or 13"],
    [{ osRelease: "" }, "this is unknown unknown; launch it from an AMI of Debian 12 or 13"],
    [{ userId: 1000 }, "it requires root; run the command with sudo"],
    [{ packages: "arm64" }, "its packages are for arm64 and Sprout is for amd64; launch it from an amd64 AMI"],
    [{ hasCloudInit: false }, "it lacks cloud-init, so logins would be impossible; launch it from a Debian AMI"],
    [{ isNode: true }, "this machine is a node of a cluster; launch a fresh instance"],
    [{ isContainerdRunning: true }, "containerd runs and has its store open; stop it, or launch a fresh instance"],
  ])("refuses %j and says what to do", (facts, reason) => {
    expect(reasonsAgainst(facts)).toBe(`Cannot make this system an AMI: ${reason}`);
  });

  it("lists every reason at once", () => {
    expect(reasonsAgainst({ userId: 1000, isNode: true }).split("; ")).toHaveLength(4);
  });
});
