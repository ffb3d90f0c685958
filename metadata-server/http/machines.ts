import { randomUUID } from "node:crypto";
import { z } from "zod";
import { Machine } from "#api/machine.ts";
import { Explanation, ExplainQuery } from "#api/machine-explanation.ts";
import {
  ApprovalRules,
  ChangeMachine,
  ImportedMachines,
  ListMachinesQuery,
  MachineList,
  RegisterMachine,
  SwitchPower,
} from "#api/machine-requests.ts";
import { MachineId } from "#api/name.ts";
import { readApprovalRules, replaceApprovalRules } from "../machines/approval-rules.ts";
import { approveMachine } from "../machines/approve-machine.ts";
import { changeMachine } from "../machines/change-machine.ts";
import { deleteMachine } from "../machines/delete-machine.ts";
import { explainMachine } from "../machines/explain.ts";
import { importMachines } from "../machines/import-machines.ts";
import { findMachine, listMachines } from "../machines/queries.ts";
import { refuseMachine } from "../machines/refuse-machine.ts";
import { registerMachines } from "../machines/register-machines.ts";
import { releaseMachine } from "../machines/release-machine.ts";
import { performPower, requestPower } from "../machines/switch-power.ts";
import { toMachine } from "../machines/view.ts";
import { apiToken } from "./auth.ts";
import { type DefineRoute, NoQuery } from "./define-route.ts";
import { costlyBodies } from "./costly-bodies.ts";
import { json } from "./openapi.ts";
import type { HttpDependencies } from "./dependencies.ts";

const maxImportBytes = 8 * 1024 * 1024;

const oneMachine = { path: "/v1/machines/:id", security: apiToken, params: z.object({ id: MachineId }) } as const;
const rules = { path: "/v1/machines/rules", security: apiToken } as const;

/** The inventory. Every answer about a machine is the whole machine. */
export function addMachineRoutes(
  defineRoute: DefineRoute,
  { clusters: deps, openPowerDriver }: HttpDependencies,
): void {
  defineRoute({
    method: "get",
    path: "/v1/machines",
    summary: "List machines, newest first",
    operationId: "listMachines",
    security: apiToken,
    query: ListMachinesQuery,
    answer: { status: 200, description: "One page", content: json(MachineList) },
    handler: async (c, { query }) => c.json(await listMachines(deps, query)),
  });

  defineRoute({
    method: "post",
    path: "/v1/machines",
    summary: "Register a machine",
    operationId: "registerMachine",
    security: apiToken,
    query: NoQuery,
    body: json(RegisterMachine),
    answer: { status: 201, description: "Stored", content: json(Machine) },
    async handler(c, { caller: by, body }) {
      const [machine] = await registerMachines(deps, [body], { by, place: onlyPlace });
      if (machine === undefined) throw new Error("Registering one machine returned none");
      c.header("location", `/v1/machines/${machine.id}`);
      return c.json(toMachine(machine), 201);
    },
  });

  defineRoute({
    method: "post",
    path: "/v1/machines/import",
    summary: "Register many machines as JSON or CSV, all of them or none",
    operationId: "importMachines",
    security: apiToken,
    query: NoQuery,
    body: costlyBodies.ImportMachines,
    costly: "ImportMachines",
    maxBodyBytes: maxImportBytes,
    answer: {
      status: 201,
      description: "Stored; the ids are in the order of the request",
      content: json(ImportedMachines),
    },
    async handler(c, { caller: by, body }) {
      const machines = await importMachines(deps, { ...body, by });
      return c.json({ ids: machines.map(({ id }) => id) }, 201);
    },
  });

  defineRoute({
    method: "get",
    path: "/v1/machines/explain",
    summary: "Explain what a machine gets when it boots, and why; by MAC, UUID or address",
    operationId: "explainMachine",
    security: apiToken,
    query: ExplainQuery,
    answer: { status: 200, description: "Every machine that matches", content: json(Explanation) },
    handler: async (c, { query }) => c.json(await explainMachine(deps, query)),
  });

  defineRoute({
    ...rules,
    method: "get",
    summary: "List the rules by which the server approves machines automatically",
    operationId: "readApprovalRules",
    answer: { status: 200, description: "All rules", content: json(ApprovalRules) },
    handler: async (c) => c.json(await readApprovalRules(deps)),
  });

  defineRoute({
    ...rules,
    method: "put",
    summary: "Replace these rules; they apply to the next request of each machine",
    operationId: "replaceApprovalRules",
    query: NoQuery,
    body: costlyBodies.ApprovalRules,
    costly: "ApprovalRules",
    answer: { status: 200, description: "Stored", content: json(ApprovalRules) },
    handler: async (c, { caller: by, body }) => c.json(await replaceApprovalRules(deps, { rules: body.rules, by })),
  });

  defineRoute({
    ...oneMachine,
    method: "get",
    summary: "Get a machine with its timeline",
    operationId: "getMachine",
    answer: { status: 200, description: "The machine, whatever its state", content: json(Machine) },
    problems: ["not-found"],
    handler: async (c) => c.json(toMachine(await findMachine(deps, c.req.param("id")))),
  });

  defineRoute({
    ...oneMachine,
    method: "patch",
    summary: "Change labels, interfaces, hardware or power; absent fields stay",
    operationId: "changeMachine",
    query: NoQuery,
    body: json(ChangeMachine),
    answer: { status: 200, description: "Stored", content: json(Machine) },
    problems: ["not-found"],
    handler: async (c, { caller: by, body: settings }) =>
      c.json(toMachine(await changeMachine(deps, { machineId: c.req.param("id"), by, settings }))),
  });

  defineRoute({
    ...oneMachine,
    method: "delete",
    summary: "Delete a machine that no cluster uses",
    operationId: "deleteMachine",
    query: NoQuery,
    answer: { status: 204, description: "Deleted" },
    problems: ["not-found", "wrong-state"],
    async handler(c, { caller: by }) {
      await deleteMachine(deps, { machineId: c.req.param("id"), by });
      return c.body(null, 204);
    },
  });

  defineRoute({
    ...oneMachine,
    method: "post",
    path: "/v1/machines/:id/power",
    summary: "Switch a machine on or off, or boot it over the network; its timeline shows the result",
    operationId: "switchMachinePower",
    query: NoQuery,
    body: json(SwitchPower),
    answer: { status: 202, description: "Started", content: json(Machine) },
    problems: ["not-found"],
    async handler(c, { caller: by, body: { action } }) {
      const power = { ...deps, openPowerDriver };
      const machine = await requestPower(power, { machineId: c.req.param("id"), by, action });
      deps.background.start(`power of ${machine.id}, ${randomUUID()}`, async (signal) => {
        await performPower(power, { machine, action, signal });
      });
      return c.json(toMachine(machine), 202);
    },
  });

  const steps = {
    approve: {
      act: approveMachine,
      summary: "Approve a machine; one that a cluster uses may get a capability again",
    },
    refuse: { act: refuseMachine, summary: "Refuse a machine: it gets nothing when it boots" },
    release: { act: releaseMachine, summary: "Confirm that a machine holds nothing of its last cluster" },
  };
  for (const [verb, { act, summary }] of Object.entries(steps))
    defineRoute({
      ...oneMachine,
      method: "post",
      path: `/v1/machines/:id/${verb}`,
      summary,
      operationId: `${verb}Machine`,
      query: NoQuery,
      answer: { status: 200, description: "The machine as it is now", content: json(Machine) },
      problems: ["not-found", "wrong-state"],
      handler: async (c, { caller: by }) => c.json(toMachine(await act(deps, { machineId: c.req.param("id"), by }))),
    });
}

const onlyPlace = () => ({ pointer: "/macs", words: "this machine" });
