import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";

const sprout = join(import.meta.dirname, "../sprout");

it("baking an AMI refuses flags for another Debian or kernel", async () => {
  const wishes = ["--network-boot", "--if-needed", "--debian", "13"];
  const { exitCode, stderr } = await execa(sprout, ["image", "bake", "--ami", ...wishes], { reject: false });
  expect(stderr).toContain(
    "Cannot use --ami with --network-boot, --if-needed, --debian: an AMI has the instance's own Debian and kernel, and is baked once",
  );
  expect(exitCode).toBe(2);
});
