import type { ApprovalRules } from "#api/machine-requests.ts";
import { auditAllowed, type Origin } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import type { MachineDependencies } from "./dependencies.ts";

export async function readApprovalRules({ store }: Pick<MachineDependencies, "store">): Promise<ApprovalRules> {
  return { rules: (await store.approvalRules())?.rules ?? [] };
}

/** In the place of those there are. They approve a machine when it asks the next time. */
export async function replaceApprovalRules(
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  { rules, by }: ApprovalRules & { by: Origin },
): Promise<ApprovalRules> {
  await decide(store, async () => {
    const version = (await store.approvalRules())?.version ?? 0;
    const detail = `${rules.length} rules`;
    const audit = [auditAllowed(by, { action: "approval-rules", at: clock.now(), clusterId: null, detail })];
    return { changes: { approvalRules: { rules, version }, audit }, result: undefined };
  });
  return { rules };
}
