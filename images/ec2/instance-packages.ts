import { rm, writeFile } from "node:fs/promises";
import { exists } from "#lib/files.ts";
import { run } from "#lib/run.ts";

const environment = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
/** Waits for the instance's daily apt. */
const patient = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
/** Packages' scripts ask this before they start a service (invoke-rc.d(8)): containerd must not open its store. */
const policy = "/usr/sbin/policy-rc.d";

const apt = (args: readonly string[], signal: AbortSignal) =>
  run("apt-get", [...patient, ...args], { signal, env: environment });

/** Installs Debian's updates and these packages without recommended ones. Starts no new service. */
export async function installPackages(packages: readonly string[], { signal }: { signal: AbortSignal }): Promise<void> {
  const hasPolicy = await exists(policy);
  if (!hasPolicy) await writeFile(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await apt(["update"], signal);
    const keepFiles = ["-o", "DPkg::Options::=--force-confold"];
    await apt([...keepFiles, "upgrade", "--yes", "--with-new-pkgs"], signal);
    await apt([...keepFiles, "install", "--yes", "--no-install-recommends", ...packages], signal);
  } finally {
    if (!hasPolicy) await rm(policy, { force: true });
  }
}

/**
 * Runs `work`, then removes what it installed in addition to `wanted`, and what is no longer needed, such as an old
 * kernel.
 */
export async function withoutTools<T>(
  wanted: readonly string[],
  { signal, work }: { signal: AbortSignal; work: () => Promise<T> },
): Promise<T> {
  const listChosen = async () => (await run("apt-mark", ["showmanual"], { signal })).split("\n");
  const before = new Set([...(await listChosen()), ...wanted]);
  const result = await work();
  const tools = (await listChosen()).filter((name) => name !== "" && !before.has(name));
  if (tools.length > 0) await run("apt-mark", ["auto", ...tools], { signal });
  // Removes suggested packages, too: Python suggests binutils.
  await apt(["-o", "APT::AutoRemove::SuggestsImportant=false", "autoremove", "--purge", "--yes"], signal);
  return result;
}
