import { z } from "zod";
import { Machine } from "#api/machine.ts";
import { Explanation, ExplainQuery } from "#api/machine-explanation.ts";
import {
  ApprovalRules,
  ChangeMachine,
  ImportedMachines,
  ImportMachines,
  ListMachinesQuery,
  MachineList,
  RegisterMachine,
  SwitchPower,
} from "#api/machine-requests.ts";
import { MachineId } from "#api/name.ts";
import { ProviderMachines } from "#api/provider-machine.ts";
import { apiToken, bodyProblems, json, refusals } from "./openapi-parts.ts";

const requestParams = { path: z.object({ id: MachineId }) };
const oneMachine = (description: string) => ({ "200": { description, content: json(Machine) } });

const step = (verb: string, summary: string) =>
  ({
    post: {
      summary,
      operationId: `${verb}Machine`,
      security: apiToken,
      requestParams,
      responses: {
        ...oneMachine("The machine as it is now"),
        ...refusals("invalid-request", "not-found", "wrong-state"),
      },
    },
  }) as const;

/** Machines that somebody else has. */
export const providerPaths = {
  "/v1/providers/{name}/machines": {
    get: {
      summary: "What runs at a provider, and since when; oldest first",
      operationId: "listProviderMachines",
      security: apiToken,
      requestParams: { path: z.object({ name: z.string() }) },
      responses: {
        "200": { description: "Those that have just ended as well", content: json(ProviderMachines) },
        ...refusals("not-found", "provider-unusable"),
      },
    },
  },
} as const;

/** Machines of one's own. */
export const machinePaths = {
  "/v1/machines": {
    get: {
      summary: "List machines, newest first",
      operationId: "listMachines",
      security: apiToken,
      requestParams: { query: ListMachinesQuery },
      responses: { "200": { description: "One page", content: json(MachineList) }, ...refusals("invalid-request") },
    },
    post: {
      summary: "Register a machine by hand",
      operationId: "registerMachine",
      security: apiToken,
      requestBody: { required: true, content: json(RegisterMachine) },
      responses: { "201": { description: "Stored", content: json(Machine) }, ...refusals(...bodyProblems) },
    },
  },
  "/v1/machines/import": {
    post: {
      summary: "Register many machines, all of them or none; JSON or CSV",
      operationId: "importMachines",
      security: apiToken,
      requestBody: { required: true, content: { ...json(ImportMachines), "text/csv": { schema: z.string() } } },
      responses: {
        "201": { description: "Stored; ids in the order given", content: json(ImportedMachines) },
        ...refusals(...bodyProblems),
      },
    },
  },
  "/v1/machines/explain": {
    get: {
      summary: "Why a machine gets what it gets, by MAC, UUID or address",
      operationId: "explainMachine",
      security: apiToken,
      requestParams: { query: ExplainQuery },
      responses: {
        "200": { description: "Every machine that fits", content: json(Explanation) },
        ...refusals("invalid-request"),
      },
    },
  },
  "/v1/machines/rules": {
    get: {
      summary: "Which machines are approved by themselves",
      operationId: "readApprovalRules",
      security: apiToken,
      responses: { "200": { description: "All rules", content: json(ApprovalRules) }, ...refusals() },
    },
    put: {
      summary: "Replace these rules; they decide when a machine asks the next time",
      operationId: "replaceApprovalRules",
      security: apiToken,
      requestBody: { required: true, content: json(ApprovalRules) },
      responses: { "200": { description: "Stored", content: json(ApprovalRules) }, ...refusals(...bodyProblems) },
    },
  },
  "/v1/machines/{id}": {
    get: {
      summary: "One machine with its timeline",
      operationId: "getMachine",
      security: apiToken,
      requestParams,
      responses: { ...oneMachine("The machine, whatever its state"), ...refusals("not-found") },
    },
    patch: {
      summary: "Change labels, interfaces, hardware or power; what is not given stays",
      operationId: "changeMachine",
      security: apiToken,
      requestParams,
      requestBody: { required: true, content: json(ChangeMachine) },
      responses: { ...oneMachine("Stored"), ...refusals(...bodyProblems, "not-found") },
    },
    delete: {
      summary: "Forget a machine that no cluster has",
      operationId: "deleteMachine",
      security: apiToken,
      requestParams,
      responses: {
        "204": { description: "Forgotten" },
        ...refusals("invalid-request", "not-found", "wrong-state"),
      },
    },
  },
  "/v1/machines/{id}/approve": step(
    "approve",
    "Let a machine in; one that a cluster has may be given a capability again",
  ),
  "/v1/machines/{id}/power": {
    post: {
      summary: "Switch a machine on or off, or boot it over the network; what becomes of it is on its timeline",
      operationId: "switchMachinePower",
      security: apiToken,
      requestParams,
      requestBody: { required: true, content: json(SwitchPower) },
      responses: {
        "202": { description: "Begun", content: json(Machine) },
        ...refusals(...bodyProblems, "not-found"),
      },
    },
  },
  "/v1/machines/{id}/refuse": step("refuse", "Give a machine nothing"),
  "/v1/machines/{id}/release": step("release", "Vouch that a machine holds nothing of its last cluster"),
} as const;
