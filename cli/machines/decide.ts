import type { PowerAction } from "#api/machine-requests.ts";
import type { Machine } from "#api/machine.ts";
import type { MachineStep } from "../client/machine-client.ts";
import { writeJson } from "../context.ts";
import { printable } from "../display/printable.ts";
import type { MachineCommand } from "../action.ts";

/** Approves, refuses or releases machines one after the other, and stops at the first failure. */
export const stepMachines =
  (step: MachineStep) =>
  async ({ client, context, flags }: MachineCommand, names: readonly string[]): Promise<void> => {
    const machines: Machine[] = [];
    for (const name of names) {
      const machine = await client.step(await client.resolve(name), step);
      machines.push(machine);
      if (!flags.json) context.stderr.write(`${machine.id} (${machine.provisioningMac}) is ${machine.state}\n`);
    }
    if (flags.json) writeJson(context, machines);
  };

export async function switchMachine(
  { client, context, flags }: MachineCommand,
  name: string,
  action: PowerAction,
): Promise<void> {
  const machine = await client.switchPower(await client.resolve(name), action);
  if (flags.json) writeJson(context, machine);
  else
    context.stderr.write(
      `${machine.id}: ${printable(machine.events.at(-1)?.message ?? "")}; see "sprout machines show ${name}"\n`,
    );
}

export async function deleteMachine({ client, context }: MachineCommand, name: string): Promise<void> {
  const id = await client.resolve(name);
  await client.delete(id);
  context.stderr.write(`${id} is deleted\n`);
}
