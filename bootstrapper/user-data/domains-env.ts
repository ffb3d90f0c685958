import { z } from "zod";
import { parseFields } from "#api/field-errors.ts";
import type { FieldError } from "#api/problem.ts";
import { toJsonPointer } from "#lib/json-pointer.ts";

const Domain = z
  .string("a lower-case domain name")
  .regex(/^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/);

/** Variables in `domainsEnv`: the domain of all names, the API server's endpoint, and a name for etcd. */
const Domains = z.strictObject({ BASE_DOMAIN: Domain, API_SERVER_DOMAIN: Domain, ETCD_DOMAIN: Domain });
type Domains = z.infer<typeof Domains>;

/** Parses `NAME=domain` pairs separated by spaces, each name exactly once. Returns every error. */
export function parseDomains(text: string): { domains?: Domains | undefined; errors: FieldError[] } {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const pairs = words.filter((word) => word.includes("=")).map((word) => word.split(/=(.*)/s) as [string, string]);
  const names = pairs.map(([name]) => name);
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) < index));
  const { data, errors = [] } = parseFields(Domains, Object.fromEntries(pairs));
  return {
    domains: data,
    errors: [
      ...(pairs.length < words.length ? [{ pointer: "", detail: "Expected NAME=domain pairs" }] : []),
      ...errors,
      ...[...repeated].map((name) => ({ pointer: toJsonPointer([name]), detail: "Expected one value, got several" })),
    ].map(({ pointer, detail }) => ({ pointer: `/domainsEnv${pointer}`, detail })),
  };
}
