import { describeProviderContract } from "../provider-contract.ts";
import { createExternalProvider } from "./external-provider.ts";

const open = () =>
  createExternalProvider({ serverUrl: "https://sprout.example:8443", kubernetesVersions: ["v1.36.3", "v1.37.2"] });

describeProviderContract(
  "machines that somebody else launches",
  async () => ({ provider: open(), kubernetesVersion: "v1.37.2", reopen: open, destroy: async () => undefined }),
  { launches: false },
);
