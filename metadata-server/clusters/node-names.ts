import type { Role } from "#api/name.ts";
import { DomainError } from "../errors.ts";
import type { MemberRecord } from "../store/records.ts";

const maxNodeNameLength = 52;

export const namePrefixes: Record<Role, string> = { "control-plane": "cp", worker: "node" };

/** Returns the number in a node's name, such as 3 of `node03.build126.example`. */
export const nodeNumber = ({ name }: Pick<MemberRecord, "name">): number =>
  Number(/^[a-z]+(\d+)\./.exec(name)?.[1] ?? 0);

/** Names control planes, then workers. Throws DomainError `invalid-request`. */
export function nameNodes(nodes: readonly { role: Role }[], domain: string): string[] {
  const controlPlanes = nodes.filter(({ role }) => role === "control-plane").length;
  const names = [
    ...numbered(namePrefixes["control-plane"], controlPlanes).map((host) => `${host}.${domain}`),
    ...numbered(namePrefixes.worker, nodes.length - controlPlanes).map((host) => `${host}.${domain}`),
  ];
  refuseLongNames(names);
  return names;
}

/** Throws DomainError `invalid-request`. */
export function refuseLongNames(names: readonly string[]): void {
  const longest = names.reduce((one, other) => (other.length > one.length ? other : one));
  if (longest.length > maxNodeNameLength)
    throw new DomainError("invalid-request", "Cannot name nodes", {
      errors: [
        {
          pointer: "/name",
          detail: `Expected a name that keeps node names within ${maxNodeNameLength} characters, got ${longest} with ${longest.length}`,
        },
      ],
    });
}

/** Returns `cp01`, `cp02`, … with as many digits as the count needs, at least two. */
function numbered(prefix: string, count: number): string[] {
  const width = Math.max(2, String(count).length);
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1).padStart(width, "0")}`);
}
