import { type Ec2UserData, maxUserDataBytes } from "#api/ec2-user-data.ts";
import type { Seed } from "#api/seed.ts";

/** Base64, of the user-data of one launch. Throws where it is larger than EC2 takes. */
export function renderUserData(seeds: readonly Pick<Seed, "server" | "ca" | "capability">[]): string {
  const [{ server, ca } = { server: "", ca: "" }] = seeds;
  const document: Ec2UserData = { sprout: { server, ca, capabilities: seeds.map(({ capability }) => capability) } };
  const text = Buffer.from(JSON.stringify(document));
  if (text.length > maxUserDataBytes)
    throw new Error(
      `Cannot launch ${seeds.length} instances at once: their user-data has ${text.length} bytes, EC2 takes ${maxUserDataBytes}; the authority must be smaller`,
    );
  return text.toString("base64");
}
