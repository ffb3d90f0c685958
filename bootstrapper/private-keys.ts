import type { Credentials } from "#api/credentials.ts";

/** Every private key of them, PEM, wherever it stands. */
export const privateKeysOf = (credentials: Credentials): string[] =>
  textsOf(credentials).filter((text) => text.includes("PRIVATE KEY-----"));

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
