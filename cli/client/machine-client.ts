import { Explanation } from "#api/machine-explanation.ts";
import { type ChangeMachine, ImportedMachines, MachineList, type PowerAction } from "#api/machine-requests.ts";
import { Machine, type MachineState } from "#api/machine.ts";
import { MachineId } from "#api/name.ts";
import { type ProviderMachine, ProviderMachines } from "#api/provider-machine.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { Connection } from "./connection.ts";
import { createRequester } from "./requester.ts";

export const machineSteps = ["approve", "refuse", "release"] as const;
export type MachineStep = (typeof machineSteps)[number];

/** A typed client of the inventory's API. Every method throws CliError with the exit code of the failure. */
export interface MachineClient {
  list(query?: { state?: MachineState | undefined; mac?: string; labels?: Record<string, string> }): Promise<Machine[]>;
  /** Lists the machines that a provider runs. */
  running(provider: string): Promise<ProviderMachine[]>;
  get(id: string): Promise<Machine>;
  /** Changes the given settings and keeps the others. */
  change(id: string, change: ChangeMachine): Promise<Machine>;
  step(id: string, step: MachineStep): Promise<Machine>;
  /** Resolves when the action has begun; the machine's timeline shows its result. */
  switchPower(id: string, action: PowerAction): Promise<Machine>;
  delete(id: string): Promise<void>;
  /** Registers all machines or none. Returns their ids in the order given. */
  import(text: string, mediaType: "text/csv" | "application/json"): Promise<string[]>;
  explain(query: { mac?: string; uuid?: string; ip?: string }): Promise<Explanation>;
  /** Returns the id of the machine with this MAC. An id is returned as it is. */
  resolve(idOrMac: string): Promise<string>;
}

const pathOf = (id: string, rest = "") => `/v1/machines/${encodeURIComponent(id)}${rest}`;

export function createMachineClient(connection: Connection, { signal }: { signal: AbortSignal }): MachineClient {
  const { send, sendJson, sendPages } = createRequester(connection, signal);

  const client: MachineClient = {
    async list({ state, mac, labels = {} } = {}) {
      const wanted = Object.entries(labels).map(([key, value]) => ["label", `${key}=${value}`] as const);
      const query = [...Object.entries({ state, mac }), ...wanted];
      return (await sendPages(MachineList, "/v1/machines", query)).flatMap(({ machines }) => machines);
    },

    async running(provider) {
      const path = `/v1/providers/${encodeURIComponent(provider)}/machines`;
      return (await sendJson(ProviderMachines, { method: "GET", path })).machines;
    },

    get: (id) => sendJson(Machine, { method: "GET", path: pathOf(id) }),
    change: (id, change) => sendJson(Machine, { method: "PATCH", path: pathOf(id), body: JSON.stringify(change) }),
    step: (id, step) => sendJson(Machine, { method: "POST", path: pathOf(id, `/${step}`) }),

    switchPower: (id, action) =>
      sendJson(Machine, { method: "POST", path: pathOf(id, "/power"), body: JSON.stringify({ action }) }),

    async delete(id) {
      await send({ method: "DELETE", path: pathOf(id) });
    },

    async import(body, mediaType) {
      const headers = { "content-type": mediaType };
      const request = { method: "POST", path: "/v1/machines/import", body, headers, idleTimeoutMs: 120_000 } as const;
      return (await sendJson(ImportedMachines, request)).ids;
    },

    explain: (query) =>
      sendJson(Explanation, { method: "GET", path: `/v1/machines/explain?${new URLSearchParams(query).toString()}` }),

    async resolve(idOrMac) {
      if (MachineId.safeParse(idOrMac).success) return idOrMac;
      const [machine] = await client.list({ mac: idOrMac });
      if (machine === undefined)
        throw new CliError(exitCodes.notFound, `No machine has the MAC ${idOrMac}; see "sprout machines list"`);
      return machine.id;
    },
  };
  return client;
}
