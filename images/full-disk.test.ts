import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { run } from "#lib/run.ts";
import { explainFullDisk } from "./full-disk.ts";
import { runStep } from "./progress.ts";

/** A device that is always full (full(4)). */
const full = "/dev/full";
const explained = "Cannot bake (Container images): no space left on device; free some, or point --cache-dir elsewhere";

const bake = (work: () => Promise<unknown>) => runStep("container-images", () => undefined, work);

describe("explainFullDisk", () => {
  it("says what to do when Node cannot write", async () => {
    await expect(bake(() => writeFile(full, "layer"))).rejects.toThrow(`${explained} (ENOSPC`);
  });

  it("says what to do when a program cannot write", async () => {
    await expect(bake(() => run("dd", ["if=/dev/zero", `of=${full}`, "count=1"]))).rejects.toThrow(
      `${explained} (dd: writing to '${full}': No space left on device)`,
    );
  });
});

it("explainFullDisk leaves every other error as it is", async () => {
  const error = await run("sh", ["-c", "echo no such file >&2; exit 1"]).catch((thrown: unknown) => thrown);
  expect(explainFullDisk(error, "Manifest")).toBe(error);
  expect(explainFullDisk("text", "Manifest")).toBe("text");
});
