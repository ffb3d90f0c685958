import { join } from "node:path";
import { writeContainerImage } from "./container-image.ts";
import {
  listImageRefs,
  planKubernetesImages,
  planWorkloadImage,
  type ContainerImageInputs,
} from "./container-images.ts";
import type { StoredArchive } from "./containerd-store.ts";
import type { KubernetesOrigin } from "./kubernetes/origin.ts";
import type { PullOptions } from "./pull-image.ts";
import { pullContainerImages } from "./pulled-images.ts";

interface CollectInputs extends ContainerImageInputs, PullOptions {
  origin: KubernetesOrigin;
  cacheDir: string;
  /** Receives an archive for each image. */
  archivesDir: string;
  onDetail: (detail: string) => void;
}

/**
 * Makes an archive of every container image of a machine: pulls a release's own, composes the others of local files.
 */
export async function collectContainerImages(inputs: CollectInputs): Promise<StoredArchive[]> {
  const { origin } = inputs;
  const archives: StoredArchive[] = [];
  if (origin.kind === "release") {
    const refs = await listImageRefs(inputs.kubernetesBinariesDir, { ...inputs, ...origin });
    archives.push(...(await pullContainerImages([...refs.values()], inputs)));
  }
  const images = [
    ...(origin.kind === "release" ? [] : await planKubernetesImages(inputs)),
    await planWorkloadImage(inputs),
  ];
  for (const [index, image] of images.entries()) {
    inputs.signal.throwIfAborted();
    inputs.onDetail(image.ref);
    const file = `${index}.tar`;
    archives.push({ file, ...(await writeContainerImage(image, join(inputs.archivesDir, file))) });
  }
  return archives;
}
