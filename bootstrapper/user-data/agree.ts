import type { UserData } from "./document.ts";

/** One machine's user-data and its file. */
interface NamedUserData {
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
 * Finds what keeps machines with these documents from becoming one cluster: two that run init, different lists, one
 * name twice. Returns every problem. Pure. A name may lack a document, which is checked elsewhere.
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
      ...(twin === undefined ? [] : [`${file}: /myDomain: Expected another name than in ${twin}`]),
      ...Object.entries(shared)
        .filter(([, read]) => JSON.stringify(read(userData)) !== JSON.stringify(read(model.userData)))
        .map(([pointer]) => `${file}: ${pointer}: Expected the same as in ${model.file}`),
      ...(init === modelInit ? [] : [`${init} and ${modelInit} would both run init; give each machine the same lists`]),
    ];
  });
}
