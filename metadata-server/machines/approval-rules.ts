import type { MachineSighting } from "#api/machine-sighting.ts";
import type { ApprovalRule } from "../store/machine-record.ts";

type Identity = Pick<MachineSighting, "macs" | "uuid" | "serial" | "manufacturer">;

/** The first rule that a machine fits, with its number from 1. */
export function findRule(
  rules: readonly ApprovalRule[],
  identity: Identity,
): { number: number; rule: ApprovalRule } | undefined {
  const index = rules.findIndex((rule) => fits(rule, identity));
  const rule = rules[index];
  return rule && { number: index + 1, rule };
}

/** A rule fits by the interface that the machine boots from. */
function fits({ macPrefix, uuid, serial, manufacturer }: ApprovalRule, identity: Identity): boolean {
  if (macPrefix !== undefined && identity.macs[0]?.startsWith(macPrefix) !== true) return false;
  if (uuid !== undefined && identity.uuid !== uuid) return false;
  if (serial !== undefined && identity.serial !== serial) return false;
  return manufacturer === undefined || identity.manufacturer === manufacturer;
}
