import type { ProgramSet } from "../go/build-programs.ts";
import { downloadModule, renderGoMod, type ModuleVersion } from "../go/go-module.ts";
import type { GoToolchain } from "../go/go-toolchain.ts";
import { cniPlugins, cniPluginsVersion, crictlVersion } from "./runtime-versions.ts";

const containerd = "github.com/containerd/containerd/v2";
const plugins = "github.com/containernetworking/plugins";
const criTools = "sigs.k8s.io/cri-tools";

const pluginFolders: Readonly<Record<string, string>> = {
  dhcp: "ipam",
  "host-local": "ipam",
  static: "ipam",
  bandwidth: "meta",
  firewall: "meta",
  portmap: "meta",
  sbr: "meta",
  tuning: "meta",
  vrf: "meta",
};

interface RuntimeModule {
  set: ProgramSet;
  /** The oldest Go that compiles it. */
  go: string;
}

/** Plans crictl, the CNI plugins and, if chosen, containerd, stamped as in their own builds. Throws GoError. */
export async function planRuntimeModules(
  containerdVersion: string | undefined,
  options: { go: GoToolchain; signal: AbortSignal },
): Promise<RuntimeModule[]> {
  const plan = async (module: ModuleVersion, set: Omit<ProgramSet, "goMod" | "name">): Promise<RuntimeModule> => {
    const { go } = await downloadModule(module, options);
    const goMod = renderGoMod({ go, requires: [module], replaces: [] });
    return { go, set: { ...set, name: `${module.path.split("/").at(1)} ${module.version}`, goMod } };
  };
  const commands = ["containerd", "containerd-shim-runc-v2", "ctr"];
  const planContainerd = (version: string) =>
    plan(
      { path: containerd, version: `v${version}` },
      {
        programs: Object.fromEntries(commands.map((name) => [name, `${containerd}/cmd/${name}`])),
        stamps: [`${containerd}/version.Version=v${version}`],
        // As in containerd's static release (Makefile, STATIC).
        tags: ["netgo", "osusergo", "static_build", "urfave_cli_no_docs"],
      },
    );
  return [
    ...(containerdVersion === undefined ? [] : [await planContainerd(containerdVersion)]),
    await plan(
      { path: plugins, version: `v${cniPluginsVersion}` },
      {
        programs: Object.fromEntries(
          cniPlugins.map((name) => [name, `${plugins}/plugins/${pluginFolders[name] ?? "main"}/${name}`]),
        ),
        stamps: [`${plugins}/pkg/utils/buildversion.BuildVersion=v${cniPluginsVersion}`],
      },
    ),
    await plan(
      { path: criTools, version: `v${crictlVersion}` },
      {
        programs: { crictl: `${criTools}/cmd/crictl` },
        stamps: [`${criTools}/pkg/version.Version=v${crictlVersion}`],
      },
    ),
  ];
}
