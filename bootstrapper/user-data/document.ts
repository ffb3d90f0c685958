import { z } from "zod";
import { maxUserDataBytes } from "#api/ec2-user-data.ts";
import { formatFieldError, parseFields } from "#api/field-errors.ts";
import { NodeName, type Role } from "#api/name.ts";
import { Network } from "#api/network.ts";
import { maxDeadlineSeconds } from "#api/node-metadata.ts";
import type { FieldError } from "#api/problem.ts";
import { SealedPki } from "#api/sealed-pki.ts";
import { BootstrapError } from "../errors.ts";
import { parseJson } from "../parse.ts";
import { parseDomains } from "./domains-env.ts";

/** The user-data's own words: `master` and `node` stand only here. */
const roles: Record<string, Role> = { master: "control-plane", node: "worker" };

const toNames = (list: unknown): string[] =>
  typeof list === "string" ? list.split(/\s+/).filter((name) => name !== "") : [];

/** User-data as a test platform gives it to each machine that it launches. The last three fields are optional. */
const Fields = z.strictObject({
  /** `BASE_DOMAIN=… API_SERVER_DOMAIN=… ETCD_DOMAIN=…` */
  domainsEnv: z.string(),
  /** Names separated by spaces. The first runs init. */
  masterAddr: z.string().transform(toNames).pipe(z.array(NodeName).min(1, "at least one name")),
  kubenodesAddr: z.string().transform(toNames).pipe(z.array(NodeName)),
  myDomain: NodeName,
  myRole: z.enum(["master", "node"], "master or node"),
  sealedPki: SealedPki.optional(),
  network: Network.refine((network) => network.plugin !== "manifest" || network.baked !== undefined, {
    error: "a manifest that is baked into the image",
    path: ["baked"],
  }).optional(),
  deadlineSeconds: z.number().min(10).max(maxDeadlineSeconds).optional(),
});

/** The same in Sprout's terms. */
export interface UserData {
  self: { name: string; role: Role };
  /** The first runs init. */
  controlPlanes: string[];
  workers: string[];
  baseDomain: string;
  apiServerDomain: string;
  etcdDomain: string;
  sealedPki: string | undefined;
  network: Network | undefined;
  deadlineSeconds: number;
}

const defaultDeadlineSeconds = 180;

const required = ["domainsEnv", "masterAddr", "kubenodesAddr", "myDomain", "myRole"] as const;

/** Whether this JSON is meant as user-data, even if the case of a name is wrong. */
export function isUserData(json: object): boolean {
  const fields = Object.keys(json).map((field) => field.toLowerCase());
  return required.some((field) => fields.includes(field.toLowerCase()));
}

/** Other documents, by a field that only they have. */
const misplaced = {
  sprout: "it names a metadata server, as EC2's user-data does; that works only on EC2, elsewhere use a seed",
  capability: "it is a seed; its place is /etc/sprout/seed.json",
};

/** Parses user-data. Pure. Throws BootstrapError `invalid-input` with every problem at once. */
export function parseUserData(text: string, what: string): UserData {
  refuseLarge(text, what);
  const json = parseJson(z.looseObject({}), text, what);
  for (const [field, reason] of Object.entries(misplaced))
    if (Object.hasOwn(json, field) && !isUserData(json)) throw unusable(what, [reason]);
  const { data, errors: invalid = [] } = parseFields(Fields, json);
  const [masters, nodes] = [toNames(json["masterAddr"]), toNames(json["kubenodesAddr"])];
  const { domainsEnv } = json;
  const { domains, errors: invalidDomains } =
    typeof domainsEnv === "string" ? parseDomains(domainsEnv) : { domains: undefined, errors: [] };
  const errors = [
    ...repeatedFields(text),
    ...invalid,
    ...listErrors("/masterAddr", masters),
    ...listErrors("/kubenodesAddr", nodes, masters),
    ...contradictions(json, { masters, nodes }),
    ...invalidDomains,
  ];
  if (errors.length > 0 || data === undefined || domains === undefined)
    throw unusable(what, errors.map(formatFieldError));
  const { myDomain, myRole, sealedPki, network, deadlineSeconds = defaultDeadlineSeconds } = data;
  return {
    self: { name: myDomain, role: roles[myRole] ?? "worker" },
    controlPlanes: masters,
    workers: nodes,
    baseDomain: domains.BASE_DOMAIN,
    apiServerDomain: domains.API_SERVER_DOMAIN,
    etcdDomain: domains.ETCD_DOMAIN,
    sealedPki,
    network,
    deadlineSeconds,
  };
}

/** Refuses text that EC2 would not take as user-data. Throws BootstrapError `invalid-input`. */
export function refuseLarge(text: string, what: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxUserDataBytes)
    throw unusable(what, [`Expected at most ${maxUserDataBytes} bytes (EC2's limit), got ${bytes}; shorten its lists`]);
}

const expected = (pointer: string, what: string): FieldError => ({ pointer, detail: `Expected ${what}` });

/** Returns an error for each name that stands in its own list before, or in the control planes' list. */
const listErrors = (pointer: string, names: readonly string[], masters: readonly string[] = []): FieldError[] =>
  names.flatMap((name, index) => {
    if (names.indexOf(name) < index) return [expected(`${pointer}/${index}`, "a name that is not in the list yet")];
    return masters.includes(name) ? [expected(`${pointer}/${index}`, "a name that is not in /masterAddr")] : [];
  });

function contradictions(
  { myDomain, myRole }: { myDomain?: unknown; myRole?: unknown },
  { masters, nodes }: { masters: readonly string[]; nodes: readonly string[] },
): FieldError[] {
  if (typeof myDomain !== "string") return [];
  if (!masters.includes(myDomain) && !nodes.includes(myDomain))
    return [expected("/myDomain", "a name in /masterAddr or /kubenodesAddr")];
  if (myRole === "master" && !masters.includes(myDomain))
    return [expected("/myRole", "node, because /kubenodesAddr names this node")];
  if (myRole === "node" && !nodes.includes(myDomain))
    return [expected("/myRole", "master, because /masterAddr names this node")];
  return [];
}

/**
 * Finds fields that JSON.parse would lose silently: of two masterAddr it takes the last, and two nodes would run init.
 */
const repeatedFields = (text: string): FieldError[] =>
  Object.keys(Fields.shape)
    .filter((field) => text.split(new RegExp(`"${field}"\\s*:`)).length > 2)
    .map((field) => expected(`/${field}`, "one value, got several"));

const unusable = (what: string, problems: readonly string[]) =>
  new BootstrapError("invalid-input", `Cannot use ${what}: ${problems.join("; ")}`);
