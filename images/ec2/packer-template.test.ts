import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";

const template = join(import.meta.dirname, "sprout.pkr.hcl");
const reason = findProgram("packer") ? null : "no packer";

/** Without an account, without the user's home, and without a check for a newer Packer. */
async function packer(...args: string[]): Promise<{ exitCode: number; output: string }> {
  const home = await temporaryFolder("packer");
  const { exitCode, all } = await execa("packer", args, {
    all: true,
    reject: false,
    extendEnv: false,
    cwd: home,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, CHECKPOINT_DISABLE: "1", PACKER_NO_COLOR: "1" },
  });
  return { exitCode: exitCode ?? -1, output: all };
}

const validate = (...variables: string[]) =>
  packer("validate", ...["region=eu-west-1", ...variables].flatMap((variable) => ["-var", variable]), template);

describe.skipIf(reason !== null)(`The Packer template${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it.each([
    [[]],
    [["architecture=arm64", "instance_type=m6g.large"]],
    [["encrypted=false", "volume_gib=8"]],
    [["kms_key_id=alias/images", 'ami_users=["111122223333"]', 'tags={ team = "ci" }']],
    [['bake_options=["--user-data-key", "inputs/image.key"]', "inputs=secrets"]],
    [['source_ami_filters={ image-id = "ami-0a1b2c3d4e5f60718" }', "source_ami_owner=self"]],
  ])("passes packer validate with %s", async (variables) => {
    expect(await validate(...variables)).toEqual({ exitCode: 0, output: "" });
  });

  it("requires the region, and refuses unknown variables", async () => {
    const nameless = await packer("validate", template);
    expect(nameless.output).toContain('Unset variable "region"');
    expect(nameless.exitCode).toBe(1);
    expect((await validate("regoin=eu-west-1")).exitCode).toBe(1);
  });

  it("refuses an architecture that Sprout does not support", async () => {
    expect((await validate("architecture=riscv64")).exitCode).toBe(1);
  });

  it("has the format of packer fmt", async () => {
    expect(await packer("fmt", "-check", template)).toEqual({ exitCode: 0, output: "" });
  });

  it("has a source and a bake, and names no account", async () => {
    const { output } = await packer("inspect", "-var", "region=eu-west-1", template);
    expect(output).toMatch(/amazon-ebs\.sprout/);
    expect(output).toMatch(/debian-13-amd64-\*/);
    const text = await readFile(template, "utf8");
    expect(text).not.toMatch(/access_key|secret_key|AKIA/);
    expect(text).toContain("provision.sh");
  });
});
