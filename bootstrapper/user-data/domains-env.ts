/** In `domainsEnv`, each once: the domain of all names, the API server's endpoint, and a name for etcd. */
export const domainVariables = ["BASE_DOMAIN", "API_SERVER_DOMAIN", "ETCD_DOMAIN"] as const;

const domain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** `NAME=value` with spaces between them. Every problem at once; undefined is the schema's. */
export function readDomains(text: string | undefined): { domains: Map<string, string>; problems: string[] } {
  const pairs = (text ?? "")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.split(/=(.*)/s) as [name: string, value?: string]);
  const names = pairs.map(([name]) => name);
  const problems = [
    ...pairs.filter(([, value]) => value === undefined).map(([word]) => `${word} is not NAME=domain`),
    ...pairs
      .filter(([name, value]) => value !== undefined && !domainVariables.some((known) => known === name))
      .map(([name]) => `${name} is unknown; there are ${domainVariables.join(", ")}`),
    ...domainVariables.filter((known) => !names.includes(known)).map((known) => `${known} is missing`),
    ...domainVariables
      .filter((known) => names.indexOf(known) !== names.lastIndexOf(known))
      .map((known) => `${known} is given more than once`),
    ...pairs
      .filter(([name, value]) => value !== undefined && isKnown(name) && !domain.test(value))
      .map(([name, value]) => `${name} is "${value}", which is not a lower-case domain name`),
  ].map((problem) => `/domainsEnv: ${problem}`);
  const domains = new Map(pairs.map(([name, value = ""]) => [name, value]));
  return { domains, problems: text === undefined ? [] : problems };
}

const isKnown = (name: string) => domainVariables.some((known) => known === name);
