import type { UserData } from "./document.ts";

/** User-data of one machine, and the file that it is in. */
export interface NamedUserData {
  file: string;
  userData: UserData;
}

const shared = {
  "/masterAddr": ({ controlPlanes }: UserData) => controlPlanes,
  "/kubenodesAddr": ({ workers }: UserData) => workers,
  "/domainsEnv": ({ baseDomain, apiServerDomain, etcdDomain }: UserData) => [baseDomain, apiServerDomain, etcdDomain],
  "/network": ({ network }: UserData) => network,
};

/**
 * What keeps machines with these documents from becoming one cluster, every problem at once: two that run init, other
 * lists, one name twice. Pure; a name without a document is none, it may be checked elsewhere.
 */
export function findDisagreements([model, ...others]: readonly NamedUserData[]): string[] {
  if (model === undefined) return [];
  const seen = new Map([[model.userData.self.name, model.file]]);
  return others.flatMap(({ file, userData }) => {
    const { name } = userData.self;
    const twin = seen.get(name);
    seen.set(name, file);
    const [init, modelInit] = [userData.controlPlanes[0], model.userData.controlPlanes[0]];
    return [
      ...(twin === undefined ? [] : [`${file}: /myDomain: is ${name}, as in ${twin}`]),
      ...Object.entries(shared)
        .filter(([, read]) => JSON.stringify(read(userData)) !== JSON.stringify(read(model.userData)))
        .map(([pointer]) => `${file}: ${pointer}: is another than in ${model.file}`),
      ...(init === modelInit ? [] : [`${init} and ${modelInit} would both run init; give each machine the same lists`]),
    ];
  });
}
