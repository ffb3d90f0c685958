import { expect, it } from "vitest";
import { listMachinePackages } from "./packages.ts";

it("listMachinePackages lists systemd-repart from Debian 13 on, and containerd only if Debian's is chosen", () => {
  expect(listMachinePackages({ release: "13", containerd: "upstream" })).toContain("systemd-repart");
  expect(listMachinePackages({ release: "12", containerd: "upstream" })).not.toContain("systemd-repart");
  expect(listMachinePackages({ release: "13", containerd: "upstream" })).not.toContain("containerd");
  expect(listMachinePackages({ release: "12", containerd: "debian" })).toContain("containerd");
});
