import type { Instance } from "./instance.ts";

/** A directory of EC2's metadata, or the text of a file in it. */
type ImdsNode = string | (() => Promise<string>) | ImdsDirectory;
interface ImdsDirectory {
  readonly [name: string]: ImdsNode;
}

/** The versions that cloud-init tries, oldest first; all serve the same. */
const imdsVersions = ["2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"] as const;

/** Everything that is served for an instance. What is unknown is left out, because EC2's clients trust a listing. */
export function toImdsTree(instance: Instance, userData: () => Promise<string>): ImdsDirectory {
  const version = { dynamic: toDynamic(instance), "meta-data": toMetaData(instance), "user-data": userData };
  return Object.fromEntries(imdsVersions.map((name) => [name, version]));
}

function toMetaData({ instanceId, hostname, placement, seed, tags }: Instance): ImdsDirectory {
  const { address, mac } = seed;
  const addressFiles = address === undefined ? {} : { "local-ipv4": address };
  const macFiles = mac === undefined ? {} : { mac };
  const addresses = address === undefined ? {} : { "local-ipv4s": address };
  return {
    hostname,
    "instance-id": instanceId,
    ...addressFiles,
    "local-hostname": hostname,
    ...macFiles,
    ...(mac !== undefined && {
      network: { interfaces: { macs: { [mac]: { "device-number": "0", ...addresses, mac } } } },
    }),
    placement: { "availability-zone": placement, region: placement },
    tags: { instance: tags },
  };
}

/** cloud-init reads the instance-id of this document if it believes that it runs on EC2. It is not signed here. */
function toDynamic({ instanceId, placement, seed }: Instance): ImdsDirectory {
  const document = {
    availabilityZone: placement,
    instanceId,
    ...(seed.address !== undefined && { privateIp: seed.address }),
    region: placement,
    version: "2017-09-30",
  };
  return { "instance-identity": { document: JSON.stringify(document) } };
}

/** Finds a node by its path. Undefined if there is none. A slash at the end makes no difference. */
export function findImdsNode(tree: ImdsDirectory, path: string): ImdsNode | undefined {
  const names = path.replace(/\/$/, "").split("/");
  return names.reduce<ImdsNode | undefined>(
    (node, name) => (isDirectory(node) && Object.hasOwn(node, name) ? node[name] : undefined),
    tree,
  );
}

/**
 * Returns a file's text, or a listing: a name a line, directories with a slash. It follows from the tree, so it is
 * never wrong.
 */
export async function renderImdsNode(node: ImdsNode): Promise<string> {
  if (typeof node === "string") return node;
  if (typeof node === "function") return node();
  return Object.entries(node)
    .map(([name, child]) => (isDirectory(child) ? `${name}/` : name))
    .join("\n");
}

const isDirectory = (node: ImdsNode | undefined): node is ImdsDirectory => typeof node === "object";
