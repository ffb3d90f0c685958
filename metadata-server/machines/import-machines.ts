import { mismatch, parseFields } from "#api/field-errors.ts";
import { RegisterMachine } from "#api/machine-requests.ts";
import type { FieldError } from "#api/problem.ts";
import { mayQuote } from "#api/secret-fields.ts";
import { toJsonPointer } from "#lib/json-pointer.ts";
import { withoutUndefined } from "#lib/without-undefined.ts";
import type { Actor } from "../clusters/audit.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { type CsvRow, parseCsv } from "./import-csv.ts";
import { registerMachines } from "./register-machines.ts";

/** Columns, and the field that each fills; `label.KEY` is a label in addition. */
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

interface MachineImport {
  machines: RegisterMachine[];
  /** The line of each machine, if they came as CSV. */
  lines?: number[];
}

/** Imports all machines or none. Throws DomainError `invalid-request` with every MAC that is taken. */
export function importMachines(
  deps: MachineDependencies,
  { by, machines, lines }: MachineImport & { by: Actor },
): Promise<MachineRecord[]> {
  const placeInCsv = (index: number) => {
    const line = lines?.[index] ?? 0;
    return { pointer: `/${line}/macs`, words: `line ${line}` };
  };
  return registerMachines(deps, machines, { by, place: lines === undefined ? placeInJson : placeInCsv });
}

/** Throws DomainError `invalid-request` with every error of every row, each with its column. */
export function parseCsvImport(csv: string): MachineImport {
  const rows = parseCsv(csv);
  return { machines: parseRows(rows), lines: rows.map(({ line }) => line) };
}

const placeInJson = (index: number) => ({ pointer: `/machines/${index}/macs`, words: `machine ${index + 1}` });

function parseRows(rows: readonly CsvRow[]): RegisterMachine[] {
  const parsed = rows.map((row) => ({ row, ...parseFields(RegisterMachine, toRequest(row), { mayQuote }) }));
  const errors = [
    ...unknownColumns(rows),
    ...parsed.flatMap(({ row, errors: inRow = [] }) => inRow.map((error) => toCellError(row, error))),
  ];
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot import machines", { errors });
  return parsed.flatMap(({ data }) => data ?? []);
}

function unknownColumns(rows: readonly CsvRow[]) {
  const names = new Set(rows.flatMap(({ cells }) => [...cells.keys()]));
  return [...names]
    .filter((name) => !Object.hasOwn(columns, name) && !/^label\../.test(name))
    .map((name) => ({
      pointer: toJsonPointer([1, name]),
      detail: mismatch(`a column such as ${Object.keys(columns).join(", ")} or label.KEY`, name),
    }));
}

/** Returns the row as a body of `POST /v1/machines`; a cell that is no number stays text, and the schema refuses it. */
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

/** An error of the request, at the line and column that the field comes from. */
function toCellError({ line }: CsvRow, { pointer, detail }: FieldError): FieldError {
  const field = pointer.slice(1);
  const column = Object.keys(columns).find((name) => field.replaceAll("/", ".").startsWith(columns[name] ?? ""));
  return { pointer: `/${line}/${column ?? field.replace(/^labels\//, "label.")}`, detail };
}
