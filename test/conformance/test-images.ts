import { join } from "node:path";
import { hostArchitecture } from "#lib/architecture.ts";
import { composeContainerImage, type ComposedImage, type ContainerImage } from "../../images/container-image.ts";
import type { BlobFile } from "../../images/oci-archive.ts";
import { ensureBaseLayer } from "./base-layer.ts";
import type { ConformancePrograms } from "./programs.ts";

type Recipe = Pick<ContainerImage, "entries" | "entrypoint" | "command" | "user"> & {
  /** Name of another image that this one adds to. */
  on?: string;
};

/** Upstream's registry of test images. */
const registry = "registry.k8s.io/e2e-test-images/";

/**
 * Builds stand-ins for the test images that conformance needs, by the full reference that a test pulls. Layers go to
 * `layersDir`.
 */
export async function makeTestImages(
  refs: readonly string[],
  options: { programs: ConformancePrograms; cacheDir: string; layersDir: string; signal: AbortSignal },
): Promise<ReadonlyMap<string, ComposedImage>> {
  const base = await ensureBaseLayer(options.cacheDir, options);
  const byName = new Map<string, ComposedImage>();
  for (const [name, recipe] of Object.entries(listRecipes(options.programs)))
    byName.set(name, await compose(name, { recipe, base, byName, layersDir: options.layersDir }));
  const made = refs.map((ref) => [ref, byName.get(nameOf(ref) ?? "")] as const);
  return new Map(made.flatMap(([ref, image]) => (image === undefined ? [] : [[ref, { ...image, ref }]])));
}

/** `registry.k8s.io/e2e-test-images/volume/nfs:1.6.0` → `volume/nfs`; undefined for images of other registries. */
export const nameOf = (ref: string): string | undefined =>
  ref.startsWith(registry) ? ref.slice(registry.length).replace(/:[^:]*$/, "") : undefined;

/** As in test/images/NAME/Dockerfile of the module, with Debian instead of Alpine. Base images come first. */
function listRecipes({ dir, moduleDir }: ConformancePrograms): Record<string, Recipe> {
  const source = (path: string) => join(moduleDir, "test/images", path);
  const coredns = { path: "/coredns", file: join(dir, "coredns") };
  const agnhost: Recipe = {
    entries: [
      { path: "/agnhost", file: join(dir, "agnhost") },
      { path: "/agnhost-2", link: "agnhost" },
      { path: "/uploads" },
      { path: "/localhost.crt", file: source("agnhost/porter/localhost.crt") },
      { path: "/localhost.key", file: source("agnhost/porter/localhost.key") },
      // The test of image volumes expects the name of upstream's distribution.
      { path: "/etc/os-release", text: 'NAME="Debian, in the place of Alpine Linux"\nID=debian\n' },
      coredns,
    ],
    entrypoint: ["/agnhost"],
    command: ["pause"],
  };
  const webServer = (name: string): Recipe => ({
    on: "agnhost",
    entries: [`${name}.jpg`, "data.json"].map((file) => ({ path: `/${file}`, file: source(`${name}/html/${file}`) })),
    entrypoint: ["/agnhost"],
    command: ["test-webserver"],
  });
  const program = "/usr/local/bin/nnp";
  return {
    agnhost,
    kitten: webServer("kitten"),
    nautilus: webServer("nautilus"),
    busybox: { entries: [], command: ["sh"] },
    nonroot: { entries: [], command: ["sh"], user: "1234" },
    "glibc-dns-testing": { entries: [coredns], command: ["sh"] },
    nginx: { entries: [], command: ["nginx", "-g", "daemon off;"] },
    nonewprivs: { entries: [{ path: program, file: join(dir, "nonewprivs"), mode: 0o6755 }], command: ["nnp"] },
    "sample-apiserver": {
      entries: [{ path: "/sample-apiserver", file: join(dir, "sample-apiserver") }],
      entrypoint: ["/sample-apiserver"],
    },
  };
}

async function compose(
  name: string,
  options: { recipe: Recipe; base: BlobFile; byName: ReadonlyMap<string, ComposedImage>; layersDir: string },
): Promise<ComposedImage> {
  const { on, ...recipe } = options.recipe;
  const layersBelow = on === undefined ? [options.base] : options.byName.get(on)?.layers;
  if (layersBelow === undefined) throw new Error(`Cannot make ${name}: ${on} is made after it`);
  const image = { ...recipe, ref: name, architecture: hostArchitecture(), layersBelow };
  return composeContainerImage(image, join(options.layersDir, `${name}.tar`));
}
