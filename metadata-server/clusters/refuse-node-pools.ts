import { mismatch } from "#api/field-errors.ts";
import type { NodePool } from "#api/node-pool.ts";
import type { FieldError } from "#api/problem.ts";
import { DomainError } from "../errors.ts";
import type { MachineProvider } from "../providers/provider.ts";

/** Refuses node pools whose machines the provider cannot launch. Throws DomainError `invalid-request`. */
export async function refuseNodePools(
  provider: MachineProvider,
  { nodePools = [], kubernetesVersion }: { nodePools: readonly NodePool[] | undefined; kubernetesVersion: string },
): Promise<void> {
  const images = nodePools.some(({ image }) => image !== undefined)
    ? await provider.imageNames?.(kubernetesVersion)
    : undefined;
  const errors = nodePools.flatMap((pool, index): FieldError[] => [
    ...imageErrors(pool, { index, provider, images, kubernetesVersion }),
    ...typeErrors(pool, { index, provider }),
    ...machineErrors(pool, { index, provider }),
  ]);
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot create cluster", { errors });
}

interface Place {
  index: number;
  provider: MachineProvider;
}

function imageErrors(
  { image }: NodePool,
  { index, provider, images, kubernetesVersion }: Place & { images: string[] | undefined; kubernetesVersion: string },
): FieldError[] {
  if (image === undefined || images?.includes(image)) return [];
  const expected =
    images === undefined
      ? `no image with provider ${provider.name}, whose machines the operator gives theirs`
      : `an image of ${kubernetesVersion} that provider ${provider.name} has (${images.join(", ") || "none"})`;
  return [{ pointer: `/nodePools/${index}/image`, detail: mismatch(expected, image) }];
}

function typeErrors({ instanceTypes = [] }: NodePool, { index, provider }: Place): FieldError[] {
  const allowed = provider.nodePoolInstanceTypes;
  if (allowed === undefined)
    return instanceTypes.slice(0, 1).map((type) => ({
      pointer: `/nodePools/${index}/instanceTypes`,
      detail: mismatch(`no instance types with provider ${provider.name}`, type),
    }));
  return instanceTypes.flatMap((type, position) =>
    allowed.includes(type)
      ? []
      : {
          pointer: `/nodePools/${index}/instanceTypes/${position}`,
          detail: mismatch(`an instance type that this server allows (${allowed.join(", ")})`, type),
        },
  );
}

/** Only the provider of inventory machines chooses among machines that exist. */
const machineErrors = ({ machines }: NodePool, { index, provider }: Place): FieldError[] =>
  machines === undefined || provider.name === "bare-metal"
    ? []
    : [
        {
          pointer: `/nodePools/${index}/machines`,
          detail: mismatch('machines only with provider "bare-metal"', provider.name),
        },
      ];
