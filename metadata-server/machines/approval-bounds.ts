import type { ApprovalRulesRecord } from "../store/machine-record.ts";

const hourMs = 3_600_000;
/** Any host on the segment can invent machines that fit a rule. */
const mostOfOneAddress = 10;
const mostOfTheseRules = 1000;

interface Request {
  /** Address that the machine asked from. */
  from: string | null;
  at: number;
}

export type Approval =
  | { isApproved: true; counted: ApprovalRulesRecord }
  /** `alert`: the reason, once; then `counted` says that the alert was raised. */
  | { isApproved: false; alert?: { message: string; counted: ApprovalRulesRecord } };

/**
 * Counts one more approval by the rules, or refuses it: at most 10 machines an hour from one address, and 1,000 in all
 * until the operator sets the rules again. Pure; the count is stored with the rules, so that it outlives a restart.
 */
export function takeApproval(rules: ApprovalRulesRecord, { from, at }: Request): Approval {
  const { approved = 0 } = rules;
  const lately = (rules.lately ?? []).filter((entry) => at - entry.at < hourMs);
  const ofAddress = lately.filter((entry) => entry.what === "approval" && entry.from === from);
  if (approved < mostOfTheseRules && ofAddress.length < mostOfOneAddress) {
    const counted = { ...rules, approved: approved + 1, lately: [...lately, { what: "approval" as const, from, at }] };
    return { isApproved: true, counted };
  }
  const isFull = approved >= mostOfTheseRules;
  const about = isFull ? "all" : from;
  if (lately.some((entry) => entry.what === "alert" && entry.from === about)) return { isApproved: false };
  const message = isFull
    ? `The approval rules have let in ${approved} machines, the most that they may: approve others by hand, or set the rules again`
    : `The approval rules let in ${ofAddress.length} machines from ${from ?? "an unknown address"} within an hour, the most that they may: approve others by hand`;
  const counted = { ...rules, lately: [...lately, { what: "alert" as const, from: about, at }] };
  return { isApproved: false, alert: { message, counted } };
}
