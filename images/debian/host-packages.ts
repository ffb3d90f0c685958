import { run } from "#lib/run.ts";

/** Installs those of these Debian packages that the host lacks, without questions. */
export async function ensureHostPackages(
  packages: readonly string[],
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const format = ["--showformat", "${db:Status-Status}\n"];
  const installed = await Promise.all(
    packages.map((name) =>
      run("dpkg-query", ["--show", ...format, name], { signal }).then(
        (status) => status.split("\n").includes("installed"),
        () => false,
      ),
    ),
  );
  const missing = packages.filter((_, index) => !installed[index]);
  if (missing.length === 0) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["-qq", "update"], { signal, env });
  await run("apt-get", ["-qq", "install", "--yes", "--no-install-recommends", ...missing], { signal, env });
}
