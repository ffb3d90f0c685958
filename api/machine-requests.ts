import { z } from "zod";
import { isLinkLocal } from "#lib/link-local.ts";
import { FirmwareText, InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { has } from "./implication.ts";
import { Labels } from "./labels.ts";
import { Machine, MachineHardware, MachineState, manualPurpose, redfishPurpose } from "./machine.ts";
import { ClusterId, MachineId } from "./name.ts";
import { queryInteger } from "./query.ts";

const httpUrl = z.url({ protocol: /^https?$/, error: "an http:// or https:// URL of at most 500 characters" }).max(500);
const credential = z.string().min(1).max(256);

const expectedFingerprint = "the SHA-256 fingerprint of a certificate, 64 hexadecimal digits";

/** SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` writes it, or without colons. */
const Fingerprint = z
  .string(expectedFingerprint)
  .regex(/^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/)
  .transform((text) => text.replaceAll(":", "").toLowerCase());

/** Ways to trust a controller's certificate; a request names one of them at most. */
const trusts = ["certificateSha256", "ca", "trustOnFirstUse"] as const;

const pairsOf = (names: readonly string[]) =>
  names.flatMap((name, index) => names.slice(index + 1).map((other) => [name, other]));

/** Credentials in a request never appear in an answer. */
export const PowerSettings = z
  .discriminatedUnion("driver", [
    z.strictObject({ driver: z.literal("manual").describe(manualPurpose) }),
    z
      .strictObject({
        driver: z.literal("redfish").describe(redfishPurpose),
        url: httpUrl
          .refine((text) => !/@|[?#]/.test(text), "a URL without user, password, query or fragment")
          .refine(
            (text) => !isLinkLocal(URL.parse(text)?.hostname ?? ""),
            "a URL outside the link-local addresses 169.254.0.0/16 and fe80::/10",
          )
          .describe("The system, such as `https://bmc/redfish/v1/Systems/1`"),
        username: credential.optional().describe("User of the controller; it is sealed, and part of no answer"),
        password: credential.optional().describe("Sealed as well; a change without both keeps those of the same `url`"),
        /** Without any of these three, an authority that Node trusts must have signed the certificate for this name. */
        certificateSha256: Fingerprint.optional().describe("Fingerprint of the controller's certificate"),
        ca: z
          .string("certificates in PEM, of at most 50000 characters")
          .regex(/^-----BEGIN CERTIFICATE-----/)
          .max(50_000)
          .optional()
          .describe("Authority of the controller's certificate, in PEM"),
        trustOnFirstUse: z.literal(true).optional().describe("Trusts the controller's first certificate, and pins it"),
      })
      .meta({ not: { anyOf: pairsOf(trusts).map((required) => ({ required })) } }),
  ])
  .refine(
    (settings) => settings.driver === "manual" || trusts.filter((name) => settings[name] !== undefined).length <= 1,
    "at most one of certificateSha256, ca and trustOnFirstUse",
  )
  .meta({ id: "PowerSettings" });
export type PowerSettings = z.output<typeof PowerSettings>;

export const powerActions = ["on", "off", "cycle", "network-boot"] as const;
export const PowerAction = z.enum(powerActions).meta({
  id: "PowerAction",
  description: "`off` cuts the power, `cycle` switches off and on, `network-boot` boots once over the network",
});
export type PowerAction = z.infer<typeof PowerAction>;

/** Body of `POST /v1/machines/:id/power`. */
export const SwitchPower = z.strictObject({ action: PowerAction }).meta({ id: "SwitchPower" });

const macs = z
  .array(InterfaceMac)
  .min(1)
  .max(32)
  .meta({ uniqueItems: true, description: "MACs of all interfaces; no other machine may have one of them" });

interface Nics {
  macs?: string[] | undefined;
  provisioningMac?: string | undefined;
  clusterMac?: string | undefined;
}

function checkNics({ macs: all, provisioningMac, clusterMac }: Nics, refuse: (field: string, message: string) => void) {
  if (all === undefined) return;
  if (new Set(all).size < all.length) refuse("macs", "each MAC address once");
  for (const [field, mac] of Object.entries({ provisioningMac, clusterMac }))
    if (mac !== undefined && !all.includes(mac)) refuse(field, "one of macs");
}

const uuidPurpose = "SMBIOS system UUID, which a machine with its MAC must show";
const hardwarePurpose = "What the machine has; null: it reports that on its own";

const nics = {
  provisioningMac: InterfaceMac.optional().describe("Interface that boots over the network, one of `macs`"),
  clusterMac: InterfaceMac.optional().describe("Interface in the cluster, one of `macs`"),
};
const refuser = (context: z.RefinementCtx) => (field: string, message: string) =>
  context.addIssue({ code: "custom", path: [field], message });

/** Body of `POST /v1/machines`, and one of `POST /v1/machines/import`. Both interfaces default to the first MAC. */
export const RegisterMachine = z
  .strictObject({
    macs,
    uuid: SystemUuid.nullable()
      .default(null)
      .describe(`${uuidPurpose}; null: taken from its first request that has one`),
    serial: FirmwareText.nullable()
      .default(null)
      .describe("SMBIOS serial number; null: taken from its first request that has one"),
    manufacturer: FirmwareText.nullable()
      .default(null)
      .describe("SMBIOS manufacturer; null: taken from its first request that has one"),
    hardware: MachineHardware.nullable().default(null).describe(hardwarePurpose),
    labels: Labels.default({}).describe("None by default"),
    ...nics,
    power: PowerSettings.default({ driver: "manual" }).describe("How to switch it on and off; by hand by default"),
    state: z
      .enum(["approved", "free"])
      .default("approved")
      .describe("A cluster can use a `free` machine at once, an `approved` one after it was seen"),
  })
  .superRefine((body, context) => checkNics(body, refuser(context)))
  .meta({ id: "RegisterMachine" });
export type RegisterMachine = z.output<typeof RegisterMachine>;

/** Body of `PATCH /v1/machines/:id`: absent fields stay unchanged. */
export const ChangeMachine = z
  .strictObject({
    labels: Labels.optional().describe("All labels; those that are not listed are removed"),
    macs: macs.optional(),
    uuid: SystemUuid.nullable().optional().describe(`${uuidPurpose}; null: taken from its next request that has one`),
    hardware: MachineHardware.nullable().optional().describe(hardwarePurpose),
    ...nics,
    power: PowerSettings.optional().describe("How to switch it on and off"),
  })
  .superRefine((body, context) => checkNics(body, refuser(context)))
  .meta({ id: "ChangeMachine" });
export type ChangeMachine = z.output<typeof ChangeMachine>;

export const maxImportedMachines = 10_000;
export const ImportMachines = z
  .strictObject({
    machines: z.array(RegisterMachine).min(1).max(maxImportedMachines).describe("Registered all together, or none"),
  })
  .meta({ id: "ImportMachines" });
export const ImportedMachines = z
  .strictObject({ ids: z.array(MachineId).describe("In the order of the request") })
  .meta({ id: "ImportedMachines" });

const conditions = ["macPrefix", "uuid", "serial", "manufacturer"] as const;

/** Every given field must match. A machine that matches is approved automatically and gets the labels. */
export const ApprovalRule = z
  .strictObject({
    macPrefix: z
      .string("the beginning of a lower-case MAC address, such as 52:54:00")
      .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){0,5}$/)
      .optional()
      .describe("Beginning of the MAC that the machine boots from, in whole bytes"),
    uuid: z.guid("a UUID in lower case").lowercase().optional().describe("SMBIOS system UUID, in either byte order"),
    serial: z.string().min(1).max(128).optional().describe("SMBIOS serial number, the whole text"),
    manufacturer: z.string().min(1).max(128).optional().describe("SMBIOS manufacturer, the whole text"),
    labels: Labels.optional().describe("Labels that an approved machine gets"),
  })
  .refine(
    (rule) => conditions.some((name) => rule[name] !== undefined),
    "a condition, or the rule would approve every machine",
  )
  .meta({ id: "ApprovalRule", allOf: [{ anyOf: conditions.map(has) }] });
export type ApprovalRule = z.output<typeof ApprovalRule>;
export const ApprovalRules = z
  .strictObject({ rules: z.array(ApprovalRule).max(100).describe("The first rule that a machine fits approves it") })
  .meta({ id: "ApprovalRules" });
export type ApprovalRules = z.output<typeof ApprovalRules>;

const labelSelector = z.string("KEY=VALUE").regex(/^[^=]+=[\s\S]*$/);

/** `?label=rack=r1&label=zone=a`: machines that have every label. */
export const ListMachinesQuery = z
  .strictObject({
    state: MachineState.optional().describe("Only machines in this state"),
    mac: InterfaceMac.optional().describe("Only the machine that has this MAC"),
    cluster: ClusterId.optional().describe("Only machines of this cluster"),
    label: z
      .union([labelSelector, z.array(labelSelector).max(16)])
      .optional()
      .describe("Only machines that have the label `KEY=VALUE`; several must all be there"),
    limit: queryInteger(1, 500).default(100).describe("Machines on the page; 100 by default"),
    after: MachineId.optional().describe("`next` of the last page"),
  })
  .meta({ id: "ListMachinesQuery" });
export type ListMachinesQuery = z.output<typeof ListMachinesQuery>;

export const MachineList = z
  .strictObject({
    machines: z.array(Machine).describe("Newest first"),
    next: z.string().nullable().describe("`after` of the next page; null on the last one"),
  })
  .meta({ id: "MachineList" });
export type MachineList = z.infer<typeof MachineList>;
