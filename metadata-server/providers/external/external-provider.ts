import type { MachineProvider } from "../provider.ts";

/** From the first control plane's user-data to its first call: whoever launches it may have a queue, or firmware. */
const provisionAllowanceMs = 15 * 60_000;

export interface ExternalOptions {
  /** The metadata server as machines reach it. */
  serverUrl: string;
  /** Of the images that the machines have. */
  kubernetesVersions: readonly string[];
}

/** Machines that somebody else launches with the user-data he is given, and ends. Nothing is known of them until they call. */
export function createExternalProvider({ serverUrl, kubernetesVersions }: ExternalOptions): MachineProvider {
  return {
    name: "external",
    provisionAllowanceMs,
    userDataServerUrl: serverUrl,
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
