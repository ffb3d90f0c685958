import type { z } from "zod";
import { type ImportMachines, RegisterMachine } from "#api/machine-requests.ts";
import type { Origin } from "../clusters/audit.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { type CsvRow, parseCsv } from "./import-csv.ts";
import { registerMachines } from "./register-machines.ts";

/** What a column is called, and where its value goes; besides them `label.KEY` is a label. */
const columns: Record<string, string> = {
  macs: "macs",
  uuid: "uuid",
  serial: "serial",
  manufacturer: "manufacturer",
  cpus: "hardware.cpus",
  memory_mib: "hardware.memoryMiB",
  disks: "hardware.disks",
  provisioning_mac: "provisioningMac",
  cluster_mac: "clusterMac",
  power: "power.driver",
  redfish_url: "power.url",
  redfish_username: "power.username",
  redfish_password: "power.password",
  redfish_certificate_sha256: "power.certificateSha256",
  state: "state",
};

export type Import = { csv: string } | { machines: z.output<typeof ImportMachines>["machines"] };

/** All machines or none. Throws DomainError `invalid-request` with every error of every row, each with its column. */
export function importMachines(
  deps: MachineDependencies,
  { by, ...given }: Import & { by: Origin },
): Promise<MachineRecord[]> {
  if ("machines" in given) return registerMachines(deps, given.machines, { by, place: placeInJson });
  const rows = parseCsv(given.csv);
  const place = (index: number) => {
    const line = rows[index]?.line ?? 0;
    return { pointer: `/${line}/macs`, words: `line ${line}` };
  };
  return registerMachines(deps, parseRows(rows), { by, place });
}

const placeInJson = (index: number) => ({ pointer: `/machines/${index}/macs`, words: `machine ${index + 1}` });

export function parseRows(rows: readonly CsvRow[]): RegisterMachine[] {
  const parsed = rows.map((row) => ({ row, result: RegisterMachine.safeParse(toRequest(row)) }));
  const errors = [
    ...unknownColumns(rows),
    ...parsed.flatMap(({ row, result }) => (result.error?.issues ?? []).map((issue) => toError(row, issue))),
  ];
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot import machines", { errors });
  return parsed.flatMap(({ result }) => result.data ?? []);
}

function unknownColumns(rows: readonly CsvRow[]) {
  const names = new Set(rows.flatMap(({ cells }) => [...cells.keys()]));
  return [...names]
    .filter((name) => !Object.hasOwn(columns, name) && !/^label\../.test(name))
    .map((name) => ({
      pointer: `/1/${name}`,
      detail: `line 1: column ${name} is unknown; there are ${Object.keys(columns).join(", ")} and label.KEY`,
    }));
}

/** As the body of `POST /v1/machines` has it; what cannot be read stays as it is, for the schema to refuse. */
function toRequest({ cells }: CsvRow): Record<string, unknown> {
  const cell = (name: string) => cells.get(name);
  const hardware = withoutUndefined({
    cpus: toNumber(cell("cpus")),
    memoryMiB: toNumber(cell("memory_mib")),
    disks: cell("disks")?.split(/\s+/).map(toDisk),
  });
  const power = withoutUndefined({
    driver: cell("power") ?? (cell("redfish_url") === undefined ? undefined : "redfish"),
    url: cell("redfish_url"),
    username: cell("redfish_username"),
    password: cell("redfish_password"),
    certificateSha256: cell("redfish_certificate_sha256"),
  });
  const labels = [...cells].filter(([name]) => name.startsWith("label."));
  return withoutUndefined({
    macs: cell("macs")?.split(/\s+/),
    uuid: cell("uuid"),
    serial: cell("serial"),
    manufacturer: cell("manufacturer"),
    hardware: Object.keys(hardware).length === 0 ? undefined : { disks: [], nics: [], ...hardware },
    labels: Object.fromEntries(labels.map(([name, value]) => [name.slice("label.".length), value])),
    provisioningMac: cell("provisioning_mac"),
    clusterMac: cell("cluster_mac"),
    power: Object.keys(power).length === 0 ? undefined : power,
    state: cell("state"),
  });
}

const toNumber = (text: string | undefined) => (text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text);

/** `sda:447` is a disk of 447 GiB. */
function toDisk(text: string) {
  const [name = "", size] = text.split(":");
  return { name, sizeGiB: toNumber(size) };
}

function toError({ line }: CsvRow, issue: z.core.$ZodIssue) {
  const path = issue.path.map(String);
  const column =
    path[0] === "labels"
      ? `label.${path[1] ?? ""}`
      : (Object.keys(columns).find((name) => path.join(".").startsWith(columns[name] ?? "")) ?? path.join("."));
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return {
    pointer: `/${line}/${column}`,
    detail: `line ${line}, column ${column}: ${isMissing ? "is required" : issue.message}`,
  };
}

const withoutUndefined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
