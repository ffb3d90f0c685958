import { z } from "zod";
import { PowerError } from "../power-error.ts";
import type { RedfishClient } from "./client.ts";

/** DMTF's schema `ComputerSystem.v1_x` (https://redfish.dmtf.org/schemas/v1/): what Sprout reads of it. */
const Link = z.object({ "@odata.id": z.string() });
const Boot = z.object({
  BootSourceOverrideEnabled: z.string().nullish(),
  BootSourceOverrideTarget: z.string().nullish(),
  BootSourceOverrideMode: z.string().nullish(),
  "BootSourceOverrideTarget@Redfish.AllowableValues": z.array(z.string()).optional(),
});
export type Boot = z.infer<typeof Boot>;

const ResetAction = z.object({
  target: z.string(),
  "ResetType@Redfish.AllowableValues": z.array(z.string()).optional(),
  "@Redfish.ActionInfo": z.string().optional(),
});

const ComputerSystem = z.object({
  "@odata.etag": z.string().optional(),
  PowerState: z.string().nullish(),
  Boot: Boot.nullish(),
  Actions: z.object({ "#ComputerSystem.Reset": ResetAction }),
  "@Redfish.Settings": z.object({ SettingsObject: Link }).optional(),
});

const Collection = z.object({ Members: z.array(Link) });
const ServiceRoot = z.object({ Systems: Link });
const ActionInfo = z.object({
  Parameters: z.array(z.object({ Name: z.string(), AllowableValues: z.array(z.string()).optional() })),
});

/** What was read at one moment. */
export interface SystemNow {
  path: string;
  etag: string | undefined;
  /** As the controller writes it: `On`, `Off`, `PoweringOn`, `PoweringOff`, `Paused`, or nothing. */
  powerState: string | undefined;
  boot: Boot | undefined;
  reset: { target: string; allowableTypes: string[] | undefined; actionInfo: string | undefined };
  /** Where changes for the next boot are to be made, if not in the system itself. */
  settingsPath: string | undefined;
}

/** The path that the URL names; without one, the only system there is. */
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
  const { value, etag } = await read(client, { path, schema: ComputerSystem, signal });
  const action = value.Actions["#ComputerSystem.Reset"];
  return {
    path,
    etag: etag ?? value["@odata.etag"],
    powerState: value.PowerState ?? undefined,
    boot: value.Boot ?? undefined,
    reset: {
      target: action.target,
      allowableTypes: action["ResetType@Redfish.AllowableValues"],
      actionInfo: action["@Redfish.ActionInfo"],
    },
    settingsPath: value["@Redfish.Settings"]?.SettingsObject["@odata.id"],
  };
}

const WithBoot = z.object({ "@odata.etag": z.string().optional(), Boot: Boot.nullish() });

/** The boot override of a system or of its settings object, with the version that a change of it must name. */
export async function readBoot(client: RedfishClient, { path, signal }: { path: string; signal: AbortSignal }) {
  const { value, etag } = await read(client, { path, schema: WithBoot, signal });
  return { boot: value.Boot ?? undefined, etag: etag ?? value["@odata.etag"] };
}

/** The `ResetType`s that the controller takes; undefined where it does not say. */
export async function readResetTypes(
  client: RedfishClient,
  { reset, signal }: { reset: SystemNow["reset"]; signal: AbortSignal },
): Promise<string[] | undefined> {
  if (reset.allowableTypes !== undefined || reset.actionInfo === undefined) return reset.allowableTypes;
  const { value } = await read(client, { path: reset.actionInfo, schema: ActionInfo, signal });
  return value.Parameters.find(({ Name }) => Name === "ResetType")?.AllowableValues;
}

async function read<T>(
  client: RedfishClient,
  { path, schema, signal }: { path: string; schema: z.ZodType<T>; signal: AbortSignal },
): Promise<{ value: T; etag: string | undefined }> {
  const { body, headers } = await client.call({ method: "GET", path }, { signal });
  const parsed = schema.safeParse(body);
  if (parsed.success) return { value: parsed.data, etag: headers.etag };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join("/")}`;
  throw new PowerError(
    "rejected",
    `${client.host} answers for ${path} with something else than expected${where}: ${issue?.message ?? ""}`,
  );
}
