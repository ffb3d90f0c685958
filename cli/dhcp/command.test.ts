import { describe, expect, it } from "vitest";
import { runSprout } from "../../test/fixtures/run-sprout.ts";

const required = ["--mode", "own", "--interface", "lo", "--http-listen", "127.0.0.1:8080"];

describe("sprout dhcp-config", () => {
  it.each([
    ["--ipxe-dir", "/usr/lib/ipxe\ndhcp-script=/bin/sh", "--ipxe-dir"],
    ["--data-dir", "/var/lib/sprout\nconf-file=/tmp/a", "--data-dir"],
    ["--router", "192.0.2.1\n", "--dhcp-router"],
    ["--range", "127.0.0.50-127.0.0.99\n", "--dhcp-range"],
  ])("ends with exit code 2 if %s has a line feed, and prints nothing", async (flag, value, named) => {
    const { exitCode, stdout, stderr } = await runSprout(["dhcp-config", ...required, flag, value]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`${named} (`);
    expect(stderr).toContain("Expected text without control characters");
  });
});
