import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

const project = join(import.meta.dirname, "../..");

describe("npm run lint", () => {
  let folder: string;
  const plant = (files: Record<string, string>) =>
    Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  const lint = async (program: string, args: string[]) => {
    const result = await execa(join(project, "node_modules/.bin", program), args, {
      cwd: folder,
      all: true,
      reject: false,
    });
    return { exitCode: result.exitCode, output: result.all };
  };

  beforeEach(async () => {
    folder = await temporaryFolder("lint");
    await mkdir(join(folder, "lib"));
    await symlink(join(project, "node_modules"), join(folder, "node_modules"));
    for (const file of [".oxlintrc.json", "knip.json", "package.json", "tsconfig.json"])
      await copyFile(join(project, file), join(folder, file));
  });

  it("refuses a planted circle of types", async () => {
    await plant({
      "lib/hen.ts": 'import type { Egg } from "./egg.ts";\n\nexport interface Hen {\n  egg: Egg;\n}\n',
      "lib/egg.ts": 'import type { Hen } from "./hen.ts";\n\nexport interface Egg {\n  hen: Hen;\n}\n',
    });
    const { exitCode, output } = await lint("oxlint", ["--deny-warnings"]);
    expect(output).toContain("import(no-cycle)");
    expect(exitCode).toBe(1);
  });

  it("refuses a planted export that no other file uses", async () => {
    await mkdir(join(folder, "bootstrapper"));
    await plant({
      "lib/hen.ts": "export const hen = 1;\nexport const egg = hen;\n",
      "bootstrapper/main.ts": 'import { egg } from "../lib/hen.ts";\n\nprocess.exitCode = egg;\n',
    });
    const { exitCode, output } = await lint("knip", ["--no-progress", "--include", "exports"]);
    expect(output).toMatch(/hen\s+lib\/hen\.ts/);
    expect(output).not.toContain("egg");
    expect(exitCode).toBe(1);
  });

  it.each(["is well", "of another tool, stays"])(
    "refuses a test whose title does not stand alone: %s",
    async (title) => {
      await plant({
        "lib/hen.test.ts": `import { expect, it } from "vitest";\n\nit("${title}", () => {\n  expect(1).toBe(1);\n});\n`,
      });
      const { exitCode, output } = await lint("oxlint", ["--deny-warnings"]);
      expect(output).toContain("vitest(valid-title)");
      expect(exitCode).toBe(1);
    },
  );
});
