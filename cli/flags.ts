import { InvalidArgumentError } from "commander";
import { withoutUndefined } from "#lib/without-undefined.ts";

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

export function parseWholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("Expected a whole number");
  return Number(value);
}

/** `90`, `90s`, `15m`, `24h`, `7d` → seconds. */
export function parseDurationSeconds(value: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(value);
  if (!match) throw new InvalidArgumentError("Expected a duration such as 90s, 15m, 24h or 7d");
  return Number(match[1]) * unitSeconds[(match[2] || "s") as keyof typeof unitSeconds];
}

/** Collects the values of a flag that may be repeated. */
export const collect = (value: string, values: string[] = []): string[] => [...values, value];

/** Collects repeated `--node-pool name=gpu,workers=2`. The request's schema checks the fields. */
export function parseNodePool(value: string, pools: Record<string, unknown>[] = []): Record<string, unknown>[] {
  const fields = value.split(",").reduce<Record<string, string>>((all, field) => parseLabel(field, all), {});
  const { workers, instanceTypes, ...rest } = fields;
  const pool = withoutUndefined({
    ...rest,
    workers: workers === undefined ? undefined : parseWholeNumber(workers),
    instanceTypes: instanceTypes?.split("+"),
  });
  return [...pools, pool];
}

export interface NodePoolSize {
  name: string;
  workers: number;
}

/** Collects `gpu=4` of several node pools. */
export function parseNodePoolSize(value: string, sizes: NodePoolSize[] = []): NodePoolSize[] {
  const [, name, workers] = /^([^=]{1,63})=(\d{1,9})$/.exec(value) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Expected POOL=N, such as gpu=4");
  if (sizes.some((size) => size.name === name))
    throw new InvalidArgumentError(`Expected one number for ${name}, got several`);
  return [...sizes, { name, workers: Number(workers) }];
}

/** Collects repeated `--label key=value`. */
export function parseLabel(value: string, labels: Record<string, string> = {}): Record<string, string> {
  const at = value.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Expected KEY=VALUE");
  const key = value.slice(0, at);
  if (Object.hasOwn(labels, key)) throw new InvalidArgumentError(`Expected one value for ${key}, got several`);
  return { ...labels, [key]: value.slice(at + 1) };
}
