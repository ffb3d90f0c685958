import type { ImageManifest } from "../../images/manifest.ts";
import type { CliContext } from "../context.ts";
import { createBakeDisplay } from "./display.ts";
import { type BakeInputOptions, prepareInputs } from "./inputs.ts";

/** Turns this instance's root into an image, with progress on stderr. */
export async function bakeThisInstance(context: CliContext, options: BakeInputOptions): Promise<ImageManifest> {
  const { bakeAmi } = await import("../../images/ec2/bake-ami.ts");
  const { signal } = context;
  await using disposables = new AsyncDisposableStack();
  const display = createBakeDisplay(context, { networkBoot: false });
  disposables.defer(() => display.close());
  return await bakeAmi(async () => disposables.use(await prepareInputs(context, options)).bake, {
    signal,
    onProgress: display.onProgress,
  });
}
