import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";

const sprout = join(import.meta.dirname, "../sprout");

it("an AMI is baked once and with its own kernel: other wishes are wrong usage", async () => {
  const { exitCode, stderr } = await execa(sprout, ["image", "bake", "--ami", "--network-boot", "--if-needed"], {
    reject: false,
  });
  expect(stderr).toContain(
    "Cannot use --ami with --network-boot, --if-needed: an AMI has the instance's own kernel and is baked once",
  );
  expect(exitCode).toBe(2);
});
