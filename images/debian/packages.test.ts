import { expect, it } from "vitest";
import { listMachinePackages } from "./packages.ts";

it("listMachinePackages has systemd-repart, which Debian 12's systemd brings, and containerd only where it is Debian's", () => {
  expect(listMachinePackages({ release: "13", containerd: "upstream" })).toContain("systemd-repart");
  expect(listMachinePackages({ release: "12", containerd: "upstream" })).not.toContain("systemd-repart");
  expect(listMachinePackages({ release: "13", containerd: "upstream" })).not.toContain("containerd");
  expect(listMachinePackages({ release: "12", containerd: "debian" })).toContain("containerd");
});
