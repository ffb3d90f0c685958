import { type Ec2UserData, maxUserDataBytes } from "#api/ec2-user-data.ts";
import type { Seed } from "#api/seed.ts";

/** Renders the user-data of one launch as base64. Throws if it is larger than EC2 takes. */
export function renderUserData(seeds: readonly Pick<Seed, "server" | "ca" | "capability">[]): string {
  const [{ server, ca } = { server: "", ca: "" }] = seeds;
  const document: Ec2UserData = { sprout: { server, ca, capabilities: seeds.map(({ capability }) => capability) } };
  const text = Buffer.from(JSON.stringify(document));
  if (text.length > maxUserDataBytes)
    throw new Error(
      `Cannot launch ${seeds.length} instances at once: their user-data has ${text.length} bytes, and EC2 takes ${maxUserDataBytes}; use a smaller certificate authority`,
    );
  return text.toString("base64");
}
