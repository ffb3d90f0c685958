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
 * Puts a stage's start and end on the timeline, each once, so that nobody can fill it: a reboot tells nothing new. A step
 * within a stage is told where it failed. It decides nothing: what a machine becomes, sprout-bootstrap says.
 * Throws what findMember throws.
 */
export async function acceptCloudInitReport(
  deps: ClusterDependencies,
  { capability, report }: { capability: string; report: CloudInitReport },
): Promise<void> {
  const told = toStageReport(report);
  await recordStage(deps, { capability, told });
}

/** The last of what cloud-init does. Throws what findMember throws, also for another instance's id. */
export const acceptPhoneHome = (
  deps: ClusterDependencies,
  { capability, instanceId }: { capability: string; instanceId: string },
): Promise<void> => recordStage(deps, { capability, told: { stage: "phone-home", state: "done" }, instanceId });

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

const isKnown = (known: Known, told: StageReport) =>
  known.some(({ stage, state }) => stage === told.stage && state === told.state);

/** After phone-home the first boot has but the end of modules-final to tell; its own first stages could not tell anything yet. */
const isOfLaterBoot = (known: Known, told: StageReport) =>
  known.some(({ stage }) => stage === "phone-home") && !["modules-final", "phone-home"].includes(told.stage);

async function recordStage(
  deps: ClusterDependencies,
  options: { capability: string; told: StageReport | undefined; instanceId?: string },
): Promise<void> {
  const { capability, told, instanceId } = options;
  await decide(deps.store, async () => {
    const { member } = await findMember(deps, capability);
    if (instanceId !== undefined && instanceId !== member.allocation) throw wrongMachine(member);
    const known = member.cloudInit ?? [];
    if (told === undefined || isKnown(known, told) || isOfLaterBoot(known, told)) return { result: undefined };
    const { clusterId, name } = member;
    const event = { type: "cloud-init" as const, at: toTime(deps.clock.now()), member: name, ...told };
    const record = { ...member, cloudInit: [...known, told] };
    return { changes: { members: [record], events: [{ clusterId, event }] }, result: undefined };
  });
}
