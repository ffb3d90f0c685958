import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CreateCluster } from "#api/create-cluster.ts";
import { readOverlay } from "../../templates/overlay.ts";

const examples = join(import.meta.dirname, "../../docs/examples");

describe("docs/examples", () => {
  it("has cluster bodies that the API takes", async () => {
    const files = await Array.fromAsync(glob("clusters/*.json", { cwd: examples }));
    expect(files).not.toEqual([]);
    for (const file of files) {
      const body: unknown = JSON.parse(await readFile(join(examples, file), "utf8"));
      expect([file, CreateCluster.safeParse(body).error]).toEqual([file, undefined]);
    }
  });

  it("has an overlay that replaces project templates", async () => {
    expect([...(await readOverlay(join(examples, "templates"))).keys()]).toEqual(["sysctl/sprout.conf"]);
  });
});
