import { isIP } from "node:net";
import type { MachineState } from "#api/machine.ts";
import { displayOf, writeJson } from "../context.ts";
import { renderExplanation, renderMachine, renderMachineList } from "../display/machine-view.ts";
import { renderRunning } from "../display/running-view.ts";
import { exitCodes, type ExitCode } from "../exit-code.ts";
import type { MachineCommand } from "../action.ts";

interface ListFlags {
  state?: MachineState;
  label?: Record<string, string>;
}

export async function listMachines({ client, context, flags }: MachineCommand<ListFlags>): Promise<void> {
  const machines = await client.list({ state: flags.state, ...(flags.label && { labels: flags.label }) });
  if (flags.json) writeJson(context, machines);
  else context.stdout.write(renderMachineList(machines, displayOf(context)));
}

interface RunningFlags {
  provider: string;
}

export async function listRunning({ client, context, flags }: MachineCommand<RunningFlags>): Promise<void> {
  const machines = await client.running(flags.provider);
  if (flags.json) writeJson(context, machines);
  else context.stdout.write(renderRunning(machines, { now: context.now() }));
}

export async function showMachine({ client, context, flags }: MachineCommand, name: string): Promise<void> {
  const machine = await client.get(await client.resolve(name));
  if (flags.json) writeJson(context, machine);
  else context.stdout.write(renderMachine(machine, displayOf(context)));
}

export async function explainMachine({ client, context, flags }: MachineCommand, who: string): Promise<ExitCode> {
  const explanation = await client.explain(toQuery(who));
  if (flags.json) writeJson(context, explanation);
  else context.stdout.write(renderExplanation(explanation));
  return explanation.machines.length === 0 ? exitCodes.notFound : exitCodes.ok;
}

function toQuery(who: string) {
  if (isIP(who) !== 0) return { ip: who };
  return who.length > 17 ? { uuid: who } : { mac: who };
}
