import { type CloudInitReport, CloudInitStage } from "#api/cloud-init.ts";
import type { PhaseState } from "#api/phase.ts";
import { wrongMachine } from "../clusters/admission.ts";
import { decide } from "../clusters/decide.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import { toTime } from "../clusters/lifecycle.ts";
import type { MemberRecord } from "../store/records.ts";
import { findMember } from "./instance.ts";

const maxErrorLength = 1000;

interface StageReport {
  stage: CloudInitStage;
  state: PhaseState;
  error?: string;
}

/**
 * Records a stage's start and end on the timeline, each once, so that no machine can fill it: a reboot adds nothing. A
 * step within a stage is recorded if it failed. The report decides nothing; sprout-bootstrap reports a machine's state.
 * Throws what findMember throws.
 */
export async function acceptCloudInitReport(
  deps: ClusterDependencies,
  { capability, report }: { capability: string; report: CloudInitReport },
): Promise<void> {
  await recordStage(deps, { capability, report: toStageReport(report) });
}

/** Records cloud-init's last step. Throws what findMember throws, also for another instance's id. */
export const acceptPhoneHome = (
  deps: ClusterDependencies,
  { capability, instanceId }: { capability: string; instanceId: string },
): Promise<void> => recordStage(deps, { capability, report: { stage: "phone-home", state: "done" }, instanceId });

function toStageReport({ name, event_type: type, result, description }: CloudInitReport): StageReport | undefined {
  const [stageName, step] = name.split("/", 2);
  const stage = CloudInitStage.safeParse(stageName);
  if (!stage.success) return undefined;
  if (type === "start") return step === undefined ? { stage: stage.data, state: "started" } : undefined;
  if (result === "SUCCESS" || result === undefined)
    return step === undefined ? { stage: stage.data, state: "done" } : undefined;
  return { stage: stage.data, state: "failed", error: `${name}: ${description}`.slice(0, maxErrorLength) };
}

type Known = NonNullable<MemberRecord["cloudInit"]>;

const isKnown = (known: Known, report: StageReport) =>
  known.some(({ stage, state }) => stage === report.stage && state === report.state);

/** After phone-home, the first boot reports only the end of modules-final; its first stages cannot report yet. */
const isOfLaterBoot = (known: Known, report: StageReport) =>
  known.some(({ stage }) => stage === "phone-home") && !["modules-final", "phone-home"].includes(report.stage);

async function recordStage(
  deps: ClusterDependencies,
  options: { capability: string; report: StageReport | undefined; instanceId?: string },
): Promise<void> {
  const { capability, report, instanceId } = options;
  await decide(deps.store, async () => {
    const { member } = await findMember(deps, capability);
    if (instanceId !== undefined && instanceId !== member.allocation) throw wrongMachine(member);
    const known = member.cloudInit ?? [];
    if (report === undefined || isKnown(known, report) || isOfLaterBoot(known, report)) return { result: undefined };
    const { clusterId, name } = member;
    const event = { type: "cloud-init" as const, at: toTime(deps.clock.now()), member: name, ...report };
    const record = { ...member, cloudInit: [...known, report] };
    return { changes: { members: [record], events: [{ clusterId, event }] }, result: undefined };
  });
}
