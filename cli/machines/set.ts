import type { Labels } from "#api/labels.ts";
import { withoutUndefined } from "#lib/without-undefined.ts";
import type { Machine } from "#api/machine.ts";
import type { ChangeMachine } from "#api/machine-requests.ts";
import { writeJson } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { MachineCommand } from "../action.ts";
import { type PowerFlags, readPowerFlags } from "./power-flags.ts";

interface SetFlags extends PowerFlags {
  label?: Labels;
  removeLabel?: string[];
  clusterMac?: string;
  provisioningMac?: string;
  uuid?: string;
}

/** Changes machines one after the other, and stops at the first failure. Only labels may be set on several machines. */
export async function setMachines(
  { client, context, flags }: MachineCommand<SetFlags>,
  names: readonly string[],
): Promise<void> {
  if (names.length > 1 && Object.keys(flags).some((flag) => /^power|^uuid$|Mac$/.test(flag)))
    throw misuse("only labels can be set on several machines; name one machine");
  const machines: Machine[] = [];
  for (const name of names) {
    const before = await client.get(await client.resolve(name));
    const change = await toChange(flags, before);
    const machine = await client.change(before.id, change);
    machines.push(machine);
    const changed = Object.keys(change).join(", ");
    if (!flags.json) context.stderr.write(`${machine.id} (${machine.provisioningMac}): ${changed} set\n`);
  }
  if (flags.json) writeJson(context, machines);
}

async function toChange(flags: SetFlags, before: Machine): Promise<ChangeMachine> {
  const { label, removeLabel = [], clusterMac, provisioningMac } = flags;
  const uuid = flags.uuid === "none" ? null : flags.uuid;
  const power = await readPowerFlags(flags, before);
  const kept = Object.entries(before.labels).filter(([key]) => !removeLabel.includes(key));
  const change: ChangeMachine = {
    ...(label === undefined && removeLabel.length === 0 ? {} : { labels: { ...Object.fromEntries(kept), ...label } }),
    ...withoutUndefined({ clusterMac, provisioningMac, uuid, power }),
  };
  if (Object.keys(change).length === 0) throw misuse("no setting is given; see sprout machines set --help");
  return change;
}

const misuse = (why: string) => new CliError(exitCodes.usage, `Cannot set machines: ${why}`);
