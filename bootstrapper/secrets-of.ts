import { isLaunchCredentials, type NodeCredentials } from "./node-credentials.ts";

/** Every private key of them, PEM, wherever it stands, and the token. */
export const secretsOf = (credentials: NodeCredentials): string[] => [
  ...textsOf(credentials).filter((text) => text.includes("PRIVATE KEY-----")),
  ...(isLaunchCredentials(credentials) ? [credentials.token] : []),
];

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
