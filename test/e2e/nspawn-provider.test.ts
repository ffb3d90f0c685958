import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe } from "vitest";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import { describeProviderContract } from "../../metadata-server/providers/provider-contract.ts";
import { cacheDir, kubernetesVersion, prepareImage, whyNoMachines } from "../lab/lab.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`real nspawn machines${reason ? ` (skipped: ${reason})` : ""}`, () => {
  beforeAll(async () => {
    await prepareImage();
  });

  describeProviderContract("nspawn", async () => {
    await mkdir("/var/lib/sprout/lab", { recursive: true });
    const folder = await mkdtemp("/var/lib/sprout/lab/provider-");
    const open = () =>
      createNspawnProvider({
        imagesDir: join(cacheDir, "images"),
        machinesDir: join(folder, "machines"),
        networkPrefix: "10.77",
        serverPort: 9,
      });
    return { provider: open(), kubernetesVersion, reopen: open, destroy: () => rm(folder, { recursive: true }) };
  });
});
