import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lockBuild } from "../../images/go/build-lock.ts";
import { buildPrograms } from "../../images/go/build-programs.ts";
import { ensureGo } from "../../images/go/ensure-go.ts";
import { planKubernetesModule } from "../../images/kubernetes/module-sets.ts";

export interface ConformancePrograms {
  /** Folder with `e2e.test`, `ginkgo` and the programs of the test images. */
  dir: string;
  /** Files of the module `k8s.io/kubernetes`. */
  moduleDir: string;
}

const testImages = "k8s.io/kubernetes/test/images";

/** Upstream's tests of this version, compiled from the same modules as the cluster's own programs. Throws GoError. */
export async function ensureConformancePrograms(
  kubernetesVersion: string,
  {
    cacheDir,
    ...options
  }: { cacheDir: string; go?: string | undefined; signal: AbortSignal; onDetail: (detail: string) => void },
): Promise<ConformancePrograms> {
  const { signal, onDetail } = options;
  const go = await ensureGo({ cacheDir, ...options });
  const { set, dir: moduleDir } = await planKubernetesModule(kubernetesVersion, { go, signal });
  const dir = join(cacheDir, "conformance-modules", kubernetesVersion);
  await mkdir(dirname(dir), { recursive: true });
  using locks = new DisposableStack();
  locks.use(await lockBuild(dir, { signal, onWait: () => onDetail("another process compiles them; waiting") }));
  await buildPrograms(
    {
      ...set,
      name: `conformance tests of ${kubernetesVersion}`,
      programs: {
        coredns: "./coredns",
        agnhost: `${testImages}/agnhost`,
        nonewprivs: `${testImages}/nonewprivs`,
        "sample-apiserver": "k8s.io/sample-apiserver",
        ginkgo: "github.com/onsi/ginkgo/v2/ginkgo",
      },
      tests: { "e2e.test": "k8s.io/kubernetes/test/e2e" },
    },
    dir,
    { go, signal, onDetail },
  );
  return { dir, moduleDir };
}
