import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { describeProviderContract } from "../../../test/contract/provider-contract.ts";
import { createExternalProvider } from "./external-provider.ts";

const open = () =>
  createExternalProvider({
    serverUrl: "https://sprout.example:8443",
    kubernetesVersions: ["v1.36.3", defaultKubernetesVersion],
  });

describeProviderContract(
  "machines that the operator launches",
  async () => ({
    provider: open(),
    kubernetesVersion: defaultKubernetesVersion,
    reopen: open,
    destroy: async () => undefined,
  }),
  { launches: false },
);
