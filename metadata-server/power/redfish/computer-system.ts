import { z } from "zod";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishClient } from "./client.ts";
import { boundedList } from "#api/bounded-list.ts";
import type { RedfishAnswer } from "./connection.ts";

/** What counts as absent if it is null, or of another shape than DMTF's: no action depends on it. */
const optional = <T>(schema: z.ZodType<T>) => schema.optional().catch(undefined);

/** The part of DMTF's schema `ComputerSystem.v1_x` that Sprout reads (https://redfish.dmtf.org/schemas/v1/). */
const Link = z.object({ "@odata.id": z.string() });
const Boot = z.object({
  BootSourceOverrideEnabled: optional(z.string()),
  BootSourceOverrideTarget: optional(z.string()),
  BootSourceOverrideMode: optional(z.string()),
  "BootSourceOverrideTarget@Redfish.AllowableValues": optional(boundedList(z.string())),
});
export type Boot = z.infer<typeof Boot>;

const ResetAction = z.object({
  target: z.string(),
  "ResetType@Redfish.AllowableValues": optional(boundedList(z.string())),
  "@Redfish.ActionInfo": optional(z.string()),
});

const WithBoot = z.object({ "@odata.etag": optional(z.string()), Boot: optional(Boot) });
const ComputerSystem = WithBoot.extend({
  PowerState: optional(z.string()),
  Actions: z.object({ "#ComputerSystem.Reset": ResetAction }),
  "@Redfish.Settings": optional(z.object({ SettingsObject: Link })),
});

const Collection = z.object({ Members: boundedList(Link) });
const ServiceRoot = z.object({ Systems: Link });
const Parameter = z.object({ Name: optional(z.string()), AllowableValues: optional(boundedList(z.string())) });
const ActionInfo = z.object({ Parameters: optional(boundedList(Parameter.catch({}))) });

/** A system as it was at one moment. */
export interface SystemNow {
  path: string;
  /** `On`, `Off`, `PoweringOn`, `PoweringOff` or `Paused`, as the controller writes it. */
  powerState: string | undefined;
  boot: Boot | undefined;
  reset: { target: string; allowableTypes: string[] | undefined; actionInfo: string | undefined };
  /** The resource for changes to the next boot, if it is not the system. */
  settingsPath: string | undefined;
}

/** Returns the path of the URL or, if it has none, that of the controller's only system. */
export async function findSystem(client: RedfishClient, { url, signal }: { url: URL; signal: AbortSignal }) {
  const path = url.pathname.replace(/\/+$/, "");
  if (path !== "" && path !== "/redfish" && path !== "/redfish/v1") return url.pathname;
  const root = await read(client, { path: "/redfish/v1/", schema: ServiceRoot, signal });
  const systems = await read(client, { path: root.value.Systems["@odata.id"], schema: Collection, signal });
  const [only, ...others] = systems.value.Members.map((member) => member["@odata.id"]);
  if (only !== undefined && others.length === 0) return only;
  const what = only === undefined ? "no system" : `${others.length + 1} systems (${[only, ...others].join(", ")})`;
  throw new PowerError("rejected", `${client.host} has ${what}; give the URL of one of its systems`);
}

export async function readSystem(
  client: RedfishClient,
  { path, signal }: { path: string; signal: AbortSignal },
): Promise<SystemNow> {
  const { value } = await read(client, { path, schema: ComputerSystem, signal });
  const action = value.Actions["#ComputerSystem.Reset"];
  return {
    path,
    powerState: value.PowerState,
    boot: value.Boot,
    reset: {
      target: action.target,
      allowableTypes: action["ResetType@Redfish.AllowableValues"],
      actionInfo: action["@Redfish.ActionInfo"],
    },
    settingsPath: value["@Redfish.Settings"]?.SettingsObject["@odata.id"],
  };
}

/** A boot override, and the ETags of its resource, which may differ. */
export interface BootNow {
  boot: Boot | undefined;
  /** Of the header, and of the body. */
  etags: { header: string | undefined; body: string | undefined };
}

/** Reads the boot override of a system. */
export async function readBoot(
  client: RedfishClient,
  { path, signal }: { path: string; signal: AbortSignal },
): Promise<BootNow> {
  return toBootNow(await read(client, { path, schema: WithBoot, signal }));
}

/** Reads the boot override of a settings resource. Undefined if the controller has no such resource after all. */
export async function readSettings(
  client: RedfishClient,
  { path, signal }: { path: string; signal: AbortSignal },
): Promise<BootNow | undefined> {
  const found = await readIfThere(client, { path, schema: WithBoot, signal });
  return found && toBootNow(found);
}

const toBootNow = ({ value, etag }: Resource<z.infer<typeof WithBoot>>): BootNow => ({
  boot: value.Boot,
  etags: { header: etag, body: value["@odata.etag"] },
});

/** Returns the `ResetType`s that the controller accepts, or undefined if it does not list them. */
export async function readResetTypes(
  client: RedfishClient,
  { reset, signal }: { reset: SystemNow["reset"]; signal: AbortSignal },
): Promise<string[] | undefined> {
  if (reset.allowableTypes !== undefined || reset.actionInfo === undefined) return reset.allowableTypes;
  const info = await readIfThere(client, { path: reset.actionInfo, schema: ActionInfo, signal });
  return info?.value.Parameters?.find(({ Name }) => Name === "ResetType")?.AllowableValues;
}

interface Reading<T> {
  path: string;
  schema: z.ZodType<T>;
  signal: AbortSignal;
}

interface Resource<T> {
  value: T;
  etag: string | undefined;
}

/** Statuses of a link that leads nowhere. */
const missing = [404, 405, 410, 501];

async function readIfThere<T>(client: RedfishClient, { path, schema, signal }: Reading<T>) {
  const answer = await client.call({ method: "GET", path }, { signal, accepts: missing });
  return answer.status < 300 ? parse(client, answer, { path, schema }) : undefined;
}

async function read<T>(client: RedfishClient, { path, schema, signal }: Reading<T>): Promise<Resource<T>> {
  return parse(client, await client.call({ method: "GET", path }, { signal }), { path, schema });
}

function parse<T>(
  { host }: RedfishClient,
  { body, headers }: RedfishAnswer,
  { path, schema }: Omit<Reading<T>, "signal">,
): Resource<T> {
  const { data, errors } = parseFields(schema, body, { mayQuote: () => true });
  if (errors === undefined) return { value: data, etag: headers.etag };
  throw new PowerError("rejected", `${host} sent an unexpected answer for ${path}: ${formatFieldErrors(errors)}`);
}
