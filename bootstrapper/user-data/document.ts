import { z } from "zod";
import { maxUserDataBytes } from "#api/ec2-user-data.ts";
import { NodeName, type Role } from "#api/name.ts";
import { Network } from "#api/network.ts";
import { maxDeadlineSeconds } from "#api/node-metadata.ts";
import { SealedPki } from "#api/sealed-pki.ts";
import { BootstrapError } from "../errors.ts";
import { parseJson, toProblems } from "../parse.ts";
import { domainVariables, readDomains } from "./domains-env.ts";

/** Words of its own: `master` and `node` stand here and nowhere else. */
const roles: Record<string, Role> = { master: "control-plane", node: "worker" };

/** The user-data as a test platform gives it to each machine that it launches; the last three are optional. */
const Fields = z.strictObject({
  /** `BASE_DOMAIN=… API_SERVER_DOMAIN=… ETCD_DOMAIN=…` */
  domainsEnv: z.string(),
  /** Names with spaces between them; the first runs init. */
  masterAddr: z.string(),
  kubenodesAddr: z.string(),
  myDomain: NodeName,
  myRole: z.enum(["master", "node"], "must be master or node"),
  sealedPki: SealedPki.optional(),
  network: Network.optional(),
  deadlineSeconds: z.number().min(10).max(maxDeadlineSeconds).optional(),
});

/** What it says, in this project's words. */
export interface UserData {
  self: { name: string; role: Role };
  /** The first of them runs init. */
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

/** Whether this JSON means to be such user-data, even where a name is written otherwise. */
export function isUserData(json: object): boolean {
  const fields = Object.keys(json).map((field) => field.toLowerCase());
  return required.some((field) => fields.includes(field.toLowerCase()));
}

/** What belongs elsewhere, by a field that only it has. */
const misplaced = {
  sprout: "it names a metadata server as EC2's user-data does, which works there alone; elsewhere give a seed",
  capability: "it is a seed, whose place is /etc/sprout/seed.json",
};

/** Pure. Throws BootstrapError `invalid-input` with every problem at once. */
export function parseUserData(text: string, what: string): UserData {
  refuseLarge(text, what);
  const json = parseJson(z.looseObject({}), text, what);
  for (const [field, reason] of Object.entries(misplaced))
    if (Object.hasOwn(json, field) && !isUserData(json)) throw unusable(what, [reason]);
  const parsed = Fields.safeParse(json);
  const problems = [...repeatedFields(text), ...(parsed.success ? [] : toProblems(parsed.error))];
  const [masters, nodes] = [toNames(json["masterAddr"]), toNames(json["kubenodesAddr"])];
  problems.push(...listProblems("/masterAddr", masters), ...listProblems("/kubenodesAddr", nodes));
  if (masters.length === 0 && typeof json["masterAddr"] === "string") problems.push("/masterAddr: names nobody");
  problems.push(
    ...unique(masters.filter((name) => nodes.includes(name))).map(
      (name) => `/kubenodesAddr: names ${name}, which /masterAddr names too`,
    ),
    ...selfProblems(json, { masters, nodes }),
  );
  const env = readDomains(typeof json["domainsEnv"] === "string" ? json["domainsEnv"] : undefined);
  problems.push(...env.problems);
  const network = parsed.data?.network;
  if (network?.plugin === "manifest" && network.baked === undefined)
    problems.push("/network/baked: is missing; without a server a manifest is one that is baked into the image");
  if (problems.length > 0 || !parsed.success) throw unusable(what, problems);
  const { myDomain, myRole, sealedPki, deadlineSeconds = defaultDeadlineSeconds } = parsed.data;
  const [baseDomain = "", apiServerDomain = "", etcdDomain = ""] = domainVariables.map((name) => env.domains.get(name));
  return {
    self: { name: myDomain, role: roles[myRole] ?? "worker" },
    controlPlanes: masters,
    workers: nodes,
    baseDomain,
    apiServerDomain,
    etcdDomain,
    sealedPki,
    network,
    deadlineSeconds,
  };
}

/** Throws BootstrapError `invalid-input`. */
export function refuseLarge(text: string, what: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxUserDataBytes)
    throw unusable(what, [`it is ${bytes} bytes, and EC2 takes ${maxUserDataBytes} at most; shorten its lists`]);
}

const toNames = (list: unknown): string[] =>
  typeof list === "string" ? list.split(/\s+/).filter((name) => name !== "") : [];

const unique = (names: readonly string[]) => [...new Set(names)];

function listProblems(pointer: string, names: readonly string[]): string[] {
  return [
    ...unique(names)
      .filter((name) => !NodeName.safeParse(name).success)
      .map((name) => `${pointer}: ${name} is not a lower-case DNS name of at most 52 characters`),
    ...unique(names.filter((name, index) => names.indexOf(name) !== index)).map(
      (name) => `${pointer}: names ${name} more than once`,
    ),
  ];
}

function selfProblems(
  { myDomain, myRole }: { myDomain?: unknown; myRole?: unknown },
  { masters, nodes }: { masters: readonly string[]; nodes: readonly string[] },
): string[] {
  if (typeof myDomain !== "string") return [];
  if (!masters.includes(myDomain) && !nodes.includes(myDomain))
    return ["/myDomain: is in neither /masterAddr nor /kubenodesAddr"];
  if (myRole === "master" && !masters.includes(myDomain))
    return ["/myRole: is master, but /kubenodesAddr names this node"];
  if (myRole === "node" && !nodes.includes(myDomain)) return ["/myRole: is node, but /masterAddr names this node"];
  return [];
}

/** JSON.parse takes the last of two without a word, and a cluster would have two that run init. */
const repeatedFields = (text: string): string[] =>
  Object.keys(Fields.shape)
    .filter((field) => text.split(new RegExp(`"${field}"\\s*:`)).length > 2)
    .map((field) => `/${field}: is given more than once`);

const unusable = (what: string, problems: readonly string[]) =>
  new BootstrapError("invalid-input", `Cannot use ${what}: ${problems.join("; ")}`);
