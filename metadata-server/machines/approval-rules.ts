import { isSameUuid } from "#api/hardware-identity.ts";
import type { ApprovalRule, ApprovalRules } from "#api/machine-requests.ts";
import type { MachineSighting } from "#api/machine-sighting.ts";
import { auditAllowed, type Actor } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import type { MachineDependencies } from "./dependencies.ts";

type Identity = Pick<MachineSighting, "macs" | "uuid" | "serial" | "manufacturer">;

export async function readApprovalRules({ store }: Pick<MachineDependencies, "store">): Promise<ApprovalRules> {
  return { rules: (await store.approvalRules())?.rules ?? [] };
}

/** Replaces all rules. The new ones approve a machine the next time it asks, and are counted from 0. */
export async function replaceApprovalRules(
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  { rules, by }: ApprovalRules & { by: Actor },
): Promise<ApprovalRules> {
  await decide(store, async () => {
    const { version = 0, lately = [] } = (await store.approvalRules()) ?? {};
    const detail = `${rules.length} rules`;
    const audit = [auditAllowed(by, { action: "approval-rules", at: clock.now(), clusterId: null, detail })];
    return { changes: { approvalRules: { rules, approved: 0, lately, version }, audit }, result: undefined };
  });
  return { rules };
}

/** Returns the first rule that a machine fits, with its number from 1. */
export function findRule(
  rules: readonly ApprovalRule[],
  identity: Identity,
): { number: number; rule: ApprovalRule } | undefined {
  const index = rules.findIndex((rule) => fits(rule, identity));
  const rule = rules[index];
  return rule && { number: index + 1, rule };
}

/** A MAC prefix is compared with the interface that the machine boots from. */
function fits({ macPrefix, uuid, serial, manufacturer }: ApprovalRule, identity: Identity): boolean {
  if (macPrefix !== undefined && identity.macs[0]?.startsWith(macPrefix) !== true) return false;
  if (uuid !== undefined && (identity.uuid === null || !isSameUuid(identity.uuid, uuid))) return false;
  if (serial !== undefined && identity.serial !== serial) return false;
  return manufacturer === undefined || identity.manufacturer === manufacturer;
}
