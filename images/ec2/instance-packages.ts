import { access, rm, writeFile } from "node:fs/promises";
import { run } from "../../metadata-server/run.ts";

const environment = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
/** The instance's own daily apt may be at work. */
const patient = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
/** What packages' scripts ask before they start a service (invoke-rc.d(8)): no containerd is to open its store. */
const policy = "/usr/sbin/policy-rc.d";

const apt = (args: readonly string[], signal: AbortSignal) =>
  run("apt-get", [...patient, ...args], { signal, env: environment });

/** Debian's updates and these packages, without what they recommend; services that come along are not started. */
export async function installPackages(packages: readonly string[], { signal }: { signal: AbortSignal }): Promise<void> {
  const hasPolicy = await access(policy).then(
    () => true,
    () => false,
  );
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

/** Removes what `work` installed beside `wanted`, and what nothing needs any more, such as a kernel that was replaced. */
export async function withoutTools<T>(
  wanted: readonly string[],
  { signal, work }: { signal: AbortSignal; work: () => Promise<T> },
): Promise<T> {
  const listChosen = async () => (await run("apt-mark", ["showmanual"], { signal })).split("\n");
  const before = new Set([...(await listChosen()), ...wanted]);
  const result = await work();
  const tools = (await listChosen()).filter((name) => name !== "" && !before.has(name));
  if (tools.length > 0) await run("apt-mark", ["auto", ...tools], { signal });
  // What is only suggested goes as well: Python suggests binutils.
  await apt(["-o", "APT::AutoRemove::SuggestsImportant=false", "autoremove", "--purge", "--yes"], signal);
  return result;
}
