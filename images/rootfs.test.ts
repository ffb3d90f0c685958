import { expect, it } from "vitest";
import { parseDpkgStatus } from "./rootfs.ts";

it("parseDpkgStatus lists installed packages, but not removed ones with configuration left", () => {
  const status = [
    "Package: containerd\nStatus: install ok installed\nVersion: 1.6.20~ds1-1\nDescription: runtime\n more",
    "Package: perl\nStatus: deinstall ok config-files\nVersion: 5.36",
    "Package: systemd\nStatus: install ok installed\nVersion: 252.39-1",
  ].join("\n\n");
  expect(parseDpkgStatus(status)).toEqual([
    { name: "containerd", version: "1.6.20~ds1-1" },
    { name: "systemd", version: "252.39-1" },
  ]);
});
