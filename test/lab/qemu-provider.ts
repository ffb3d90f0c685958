import { createHash, X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BakedImage } from "../../images/baked-image.ts";
import type { MachineProvider, MachineSpec } from "../../metadata-server/providers/provider.ts";
import { startBootServices, type BootServices } from "./boot-services.ts";
import { startQemuMachine, type QemuMachine, type QemuMachineOptions } from "./qemu-machine.ts";

export interface QemuProviderOptions {
  image: Pick<BakedImage, "networkBoot">;
  /** Whether a member boots over the network in QEMU; the others stay nspawn machines. */
  isEmulated: (name: string) => boolean;
  /** Its identity on the kernel command line; by default the parameters that sprout-bootstrap reads. */
  identify?: (spec: MachineSpec) => string;
  smbiosOf?: (name: string) => QemuMachineOptions["smbios"];
  workDir: string;
}

export interface EmulatedMachine extends QemuMachine {
  name: string;
  mac: string;
  /** Milliseconds since the epoch. */
  poweredOnAt: number;
}

export interface QemuProvider extends MachineProvider {
  machines: ReadonlyMap<string, EmulatedMachine>;
  services: ReadonlyMap<string, BootServices>;
}

/** Replaces some machines of nspawn clusters by emulated diskless ones, on the same bridge, at the same address. */
export function withQemuMachines(nspawn: MachineProvider, options: QemuProviderOptions): QemuProvider {
  const machines = new Map<string, EmulatedMachine>();
  const services = new Map<string, BootServices>();

  /** Several machines of a cluster are launched at once. */
  const starting = new Map<string, Promise<BootServices>>();
  const servicesOn = async (bridge: string, address: string) => {
    const started = starting.get(bridge) ?? startServices(bridge, address);
    starting.set(bridge, started);
    return started;
  };
  const startServices = async (bridge: string, address: string) => {
    const started = await startBootServices({
      bridge,
      address: address.replace(/\d+$/, "1"),
      filesDir: options.image.networkBoot,
      workDir: join(options.workDir, bridge),
    });
    services.set(bridge, started);
    return started;
  };

  return {
    ...nspawn,
    machines,
    services,
    provisionAllowanceMs: 120_000,

    async launch(spec, signal) {
      if (!options.isEmulated(spec.name)) return nspawn.launch(spec, signal);
      if (machines.has(spec.allocation)) return;
      const { address, mac } = spec;
      const bridge = spec.providerData["bridge"];
      if (!address || !mac || !bridge) throw new Error(`Cannot launch ${spec.name}: it needs an address on a bridge`);
      const boot = await servicesOn(bridge, address);
      await boot.admit({ mac, address, script: await bootScript(boot.url, spec, options) });
      await mkdir(options.workDir, { recursive: true });
      const poweredOnAt = Date.now();
      const machine = await startQemuMachine({
        mac,
        bridge,
        tap: `${bridge}-${address.split(".")[3]}`,
        memoryMiB: 3072,
        smbios: options.smbiosOf?.(spec.name),
        consoleFile: join(options.workDir, `${spec.name}.console`),
      });
      machines.set(spec.allocation, { ...machine, name: spec.name, mac, poweredOnAt });
    },

    async terminate(running) {
      const machine = machines.get(running.allocation);
      if (!machine) return nspawn.terminate(running);
      machines.delete(running.allocation);
      await machine.close();
    },

    async release(clusterId) {
      await Promise.all(services.values().map((each) => each.close()));
      services.clear();
      starting.clear();
      await nspawn.release(clusterId);
    },
  };
}

function identifyBySprout({ seed }: MachineSpec): string {
  const pin = createHash("sha256").update(new X509Certificate(seed.ca).raw).digest("hex");
  return `sprout.server=${seed.server} sprout.ca-sha256=${pin} sprout.capability=${seed.capability}`;
}

async function bootScript(
  url: string,
  spec: MachineSpec,
  { image: { networkBoot }, identify = identifyBySprout }: QemuProviderOptions,
): Promise<string> {
  const root = createHash("sha512").update(await readFile(join(networkBoot, "root.squashfs")));
  const commandLine = [
    "initrd=initrd console=ttyS0,115200 quiet",
    `sprout.root=${url}/root.squashfs sprout.root-sha512=${root.digest("hex")}`,
    identify(spec),
    // eslint-disable-next-line no-template-curly-in-string -- iPXE's syntax
    "BOOTIF=01-${net0/mac:hexhyp}",
  ];
  return ["#!ipxe", `kernel ${url}/vmlinuz ${commandLine.join(" ")}`, `initrd ${url}/initrd`, "boot", ""].join("\n");
}
