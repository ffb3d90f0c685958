import { randomUUID } from "node:crypto";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { ExplainQuery } from "#api/machine-explanation.ts";
import {
  ApprovalRules,
  ChangeMachine,
  ImportMachines,
  ListMachinesQuery,
  RegisterMachine,
  SwitchPower,
} from "#api/machine-requests.ts";
import {
  approveMachine,
  changeMachine,
  deleteMachine,
  refuseMachine,
  releaseMachine,
} from "../machines/change-machine.ts";
import { explainMachine } from "../machines/explain.ts";
import { importMachines } from "../machines/import-machines.ts";
import { findMachine, listMachines } from "../machines/queries.ts";
import { registerMachines } from "../machines/register-machines.ts";
import { readApprovalRules, replaceApprovalRules } from "../machines/rules.ts";
import { performPower, requestPower } from "../machines/switch-power.ts";
import { toMachine } from "../machines/view.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { byApi } from "./origin.ts";
import { limitBody, mediaTypeOf, parseBody, parseQuery, parseText } from "./request.ts";

const maxBodyBytes = 256 * 1024;
const maxImportBytes = 8 * 1024 * 1024;
const NoQuery = z.strictObject({});

/** The inventory of machines of one's own. Every answer about a machine is the whole machine. */
export function addMachineRoutes(app: Hono, { clusters: deps, openPowerDriver }: HttpDependencies): void {
  app.get("/v1/machines", async (c) => c.json(await listMachines(deps, parseQuery(c, ListMachinesQuery))));

  app.post("/v1/machines", limitBody(maxBodyBytes), async (c) => {
    parseQuery(c, NoQuery);
    const request = await parseBody(c, RegisterMachine);
    const [machine] = await registerMachines(deps, [request], { by: byApi(c), place: onlyPlace });
    if (machine === undefined) throw new Error("One machine was registered, none came back");
    c.header("location", `/v1/machines/${machine.id}`);
    return c.json(toMachine(machine), 201);
  });

  app.post("/v1/machines/import", limitBody(maxImportBytes), async (c) => {
    parseQuery(c, NoQuery);
    const given =
      mediaTypeOf(c) === "text/csv" ? { csv: await parseText(c, "text/csv") } : await parseBody(c, ImportMachines);
    const machines = await importMachines(deps, { ...given, by: byApi(c) });
    return c.json({ ids: machines.map(({ id }) => id) }, 201);
  });

  app.get("/v1/machines/explain", async (c) => c.json(await explainMachine(deps, parseQuery(c, ExplainQuery))));

  app.get("/v1/machines/rules", async (c) => c.json(await readApprovalRules(deps)));

  app.put("/v1/machines/rules", limitBody(maxBodyBytes), async (c) => {
    parseQuery(c, NoQuery);
    const { rules } = await parseBody(c, ApprovalRules);
    return c.json(await replaceApprovalRules(deps, { rules, by: byApi(c) }));
  });

  app.get("/v1/machines/:id", async (c) => c.json(toMachine(await findMachine(deps, machineId(c)))));

  app.patch("/v1/machines/:id", limitBody(maxBodyBytes), async (c) => {
    parseQuery(c, NoQuery);
    const settings = await parseBody(c, ChangeMachine);
    return c.json(toMachine(await changeMachine(deps, { ...orderOf(c), settings })));
  });

  app.delete("/v1/machines/:id", async (c) => {
    parseQuery(c, NoQuery);
    await deleteMachine(deps, orderOf(c));
    return c.body(null, 204);
  });

  app.post("/v1/machines/:id/power", limitBody(maxBodyBytes), async (c) => {
    parseQuery(c, NoQuery);
    const { action } = await parseBody(c, SwitchPower);
    const power = { ...deps, openPowerDriver };
    const machine = await requestPower(power, { ...orderOf(c), action });
    deps.background.start(`power of ${machine.id}, ${randomUUID()}`, async (signal) => {
      await performPower(power, { machine, action, signal });
    });
    return c.json(toMachine(machine), 202);
  });

  for (const [verb, act] of Object.entries({
    approve: approveMachine,
    refuse: refuseMachine,
    release: releaseMachine,
  }))
    app.post(`/v1/machines/:id/${verb}`, async (c) => {
      parseQuery(c, NoQuery);
      return c.json(toMachine(await act(deps, orderOf(c))));
    });
}

const machineId = (c: Context) => c.req.param("id") ?? "";
const orderOf = (c: Context) => ({ machineId: machineId(c), by: byApi(c) });
const onlyPlace = () => ({ pointer: "/macs", words: "this machine" });
