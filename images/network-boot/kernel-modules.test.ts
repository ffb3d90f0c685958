import { expect, it } from "vitest";
import { closure, parseModulesDep } from "./kernel-modules.ts";

const needs = parseModulesDep(
  [
    "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko",
    "kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko",
    "kernel/net/core/failover.ko:",
    "kernel/drivers/net/virtio_net_extra.ko:",
    "kernel/fs/squashfs/squashfs.ko:",
    "kernel/sound/snd.ko:",
    "",
  ].join("\n"),
);

it("closure returns a selected file with everything it needs, and no file with a similar name", () => {
  expect(closure(needs, ["drivers/net/virtio_net"])).toEqual([
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/virtio_net.ko",
    "kernel/net/core/failover.ko",
  ]);
});

it("closure returns every file of a selected folder", () => {
  expect(closure(needs, ["fs", "net"])).toEqual(["kernel/fs/squashfs/squashfs.ko", "kernel/net/core/failover.ko"]);
});
