import { z } from "zod";
import { FirmwareText, InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { Labels } from "./labels.ts";
import { Machine, MachineHardware, MachineState } from "./machine.ts";
import { ClusterId, MachineId } from "./name.ts";

const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }).max(500);
const credential = z.string().min(1).max(256);

/** SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` writes it, or without colons. */
const Fingerprint = z
  .string()
  .transform((text) => text.replaceAll(":", "").toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, "must be the SHA-256 fingerprint of a certificate"));

/** The credentials go in and never come out again. */
export const PowerSettings = z
  .discriminatedUnion("driver", [
    z.strictObject({ driver: z.literal("manual") }),
    z.strictObject({
      driver: z.literal("redfish"),
      /** Of the system, such as https://bmc/redfish/v1/Systems/1. */
      url: httpUrl.refine((text) => !/@|[?#]/.test(text), "must have no user, password, query or fragment"),
      username: credential.optional(),
      password: credential.optional(),
      /** How its certificate is known: signed for that name by an authority that Node trusts, where none of these is given. */
      certificateSha256: Fingerprint.optional(),
      ca: z
        .string()
        .regex(/^-----BEGIN CERTIFICATE-----/, "must be certificates in PEM")
        .max(50_000)
        .optional(),
      /** The first certificate is taken for the right one, and pinned. */
      trustOnFirstUse: z.literal(true).optional(),
    }),
  ])
  .refine(
    (settings) =>
      settings.driver === "manual" ||
      [settings.certificateSha256, settings.ca, settings.trustOnFirstUse].filter((one) => one !== undefined).length <=
        1,
    "can have one of certificateSha256, ca and trustOnFirstUse only",
  )
  .meta({ id: "PowerSettings" });
export type PowerSettings = z.output<typeof PowerSettings>;

export const powerActions = ["on", "off", "cycle", "network-boot"] as const;
export const PowerAction = z.enum(powerActions).meta({ id: "PowerAction" });
export type PowerAction = z.infer<typeof PowerAction>;

/** Body of `POST /v1/machines/:id/power`. */
export const SwitchPower = z.strictObject({ action: PowerAction }).meta({ id: "SwitchPower" });

const macs = z.array(InterfaceMac).min(1).max(32);

interface Nics {
  macs?: string[] | undefined;
  provisioningMac?: string | undefined;
  clusterMac?: string | undefined;
}

function checkNics({ macs: all, provisioningMac, clusterMac }: Nics, refuse: (field: string, message: string) => void) {
  if (all === undefined) return;
  if (new Set(all).size < all.length) refuse("macs", "has one MAC twice");
  for (const [field, mac] of Object.entries({ provisioningMac, clusterMac }))
    if (mac !== undefined && !all.includes(mac)) refuse(field, "must be one of macs");
}

const nics = { provisioningMac: InterfaceMac.optional(), clusterMac: InterfaceMac.optional() };
const refuser = (context: z.RefinementCtx) => (field: string, message: string) =>
  context.addIssue({ code: "custom", path: [field], message });

/** Body of `POST /v1/machines`, and one of `POST /v1/machines/import`. The first MAC is the default of both interfaces. */
export const RegisterMachine = z
  .strictObject({
    macs,
    uuid: SystemUuid.nullable().default(null),
    serial: FirmwareText.nullable().default(null),
    manufacturer: FirmwareText.nullable().default(null),
    hardware: MachineHardware.nullable().default(null),
    labels: Labels.default({}),
    ...nics,
    power: PowerSettings.default({ driver: "manual" }),
    /** `approved` becomes free when it is seen; `free` can be taken at once. */
    state: z.enum(["approved", "free"]).default("approved"),
  })
  .superRefine((body, context) => checkNics(body, refuser(context)))
  .meta({ id: "RegisterMachine" });
export type RegisterMachine = z.output<typeof RegisterMachine>;

/** Body of `PATCH /v1/machines/:id`: what is not given stays. */
export const ChangeMachine = z
  .strictObject({
    labels: Labels.optional(),
    macs: macs.optional(),
    uuid: SystemUuid.nullable().optional(),
    hardware: MachineHardware.nullable().optional(),
    ...nics,
    power: PowerSettings.optional(),
  })
  .superRefine((body, context) => checkNics(body, refuser(context)))
  .meta({ id: "ChangeMachine" });
export type ChangeMachine = z.output<typeof ChangeMachine>;

export const maxImportedMachines = 10_000;
export const ImportMachines = z
  .strictObject({ machines: z.array(RegisterMachine).min(1).max(maxImportedMachines) })
  .meta({ id: "ImportMachines" });
export const ImportedMachines = z.strictObject({ ids: z.array(MachineId) }).meta({ id: "ImportedMachines" });

/** Everything that is given must fit; a machine that fits is approved by itself and given the labels. */
export const ApprovalRule = z
  .strictObject({
    macPrefix: z
      .string()
      .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){0,5}$/, "must be the beginning of a lower-case MAC, such as 52:54:00")
      .optional(),
    uuid: z.guid("must be a UUID").lowercase("must be lower-case").optional(),
    serial: z.string().min(1).max(128).optional(),
    manufacturer: z.string().min(1).max(128).optional(),
    labels: Labels.optional(),
  })
  .refine(
    (rule) => Object.entries(rule).some(([name, value]) => name !== "labels" && value !== undefined),
    "must have a condition, or it would approve every machine",
  )
  .meta({ id: "ApprovalRule" });
export const ApprovalRules = z.strictObject({ rules: z.array(ApprovalRule).max(100) }).meta({ id: "ApprovalRules" });
export type ApprovalRules = z.output<typeof ApprovalRules>;

const labelSelector = z.string().regex(/^[^=]+=.*$/su, "must be KEY=VALUE");

/** `?label=rack=r1&label=zone=a`: machines that have all of it. */
export const ListMachinesQuery = z
  .strictObject({
    state: MachineState.optional(),
    mac: InterfaceMac.optional(),
    cluster: ClusterId.optional(),
    label: z.union([labelSelector, z.array(labelSelector).max(16)]).optional(),
    limit: z
      .string()
      .regex(/^\d{1,4}$/, "must be a whole number")
      .transform(Number)
      .pipe(z.int().min(1).max(500))
      .default(100),
    after: MachineId.optional(),
  })
  .meta({ id: "ListMachinesQuery" });
export type ListMachinesQuery = z.output<typeof ListMachinesQuery>;

export const MachineList = z
  .strictObject({ machines: z.array(Machine), next: z.string().nullable() })
  .meta({ id: "MachineList" });
export type MachineList = z.infer<typeof MachineList>;
