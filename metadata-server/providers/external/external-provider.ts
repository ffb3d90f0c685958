import type { MachineProvider } from "../provider.ts";

/** From the first control plane's user-data to its first call: its launch may queue, and firmware is slow. */
const provisionAllowanceMs = 15 * 60_000;

export interface ExternalOptions {
  /** The metadata server as machines reach it. */
  serverUrl: string;
  /** Versions of the machines' images. */
  kubernetesVersions: readonly string[];
}

/** Machines that the operator launches and terminates, with user-data issued here; unknown until they call. */
export function createExternalProvider({ serverUrl, kubernetesVersions }: ExternalOptions): MachineProvider {
  return {
    name: "external",
    provisionAllowanceMs,
    userDataServerUrl: serverUrl,
    virtualAddresses: "given",
    kubernetesVersions: async () => [...kubernetesVersions],
    reserve: async ({ members }) => ({
      machines: members.map(({ name, role }) => ({ name, role, address: null, mac: null })),
      serverUrl,
      providerData: {},
    }),
    launch: async (_, signal) => signal.throwIfAborted(),
    terminate: async () => undefined,
    release: async () => undefined,
    list: async () => [],
  };
}
