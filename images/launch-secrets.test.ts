import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { hashLaunchSecrets, installLaunchSecrets, listLaunchSecrets } from "./launch-secrets.ts";

it("installLaunchSecrets puts nothing into an image by default", async () => {
  const rootfs = await temporaryFolder("rootfs");
  await installLaunchSecrets(rootfs, {});
  expect(await readdir(join(rootfs, "etc/sprout"))).toEqual([]);
  expect(listLaunchSecrets({})).toEqual([]);
  expect(hashLaunchSecrets({ userDataKey: undefined })).toBeNull();
});

it("installLaunchSecrets writes the given secrets for root only, and hashLaunchSecrets distinguishes them", async () => {
  const rootfs = await temporaryFolder("rootfs");
  const secrets = { userDataKey: "key\n", clusterPki: "{}\n", clusterPkiCommand: "#!/bin/sh\n" };
  await installLaunchSecrets(rootfs, secrets);
  for (const [file, text, mode] of [
    ["user-data.key", "key\n", 0o600],
    ["cluster-pki.json", "{}\n", 0o600],
    ["cluster-pki-command", "#!/bin/sh\n", 0o700],
  ] as const) {
    const path = join(rootfs, "etc/sprout", file);
    expect(await readFile(path, "utf8")).toBe(text);
    expect((await stat(path)).mode & 0o777).toBe(mode);
  }
  expect(listLaunchSecrets(secrets)).toEqual(["userDataKey", "clusterPki", "clusterPkiCommand"]);
  expect(hashLaunchSecrets(secrets)).not.toBe(hashLaunchSecrets({ clusterPki: "key\n", userDataKey: "{}\n" }));
});
