import { z } from "zod";
import { Ec2UserData } from "./ec2-user-data.ts";
import { Seed } from "./seed.ts";

/**
 * User-data of one machine that somebody else launches: `json` as EC2's, `seed` for `/etc/sprout/seed.json` (0600),
 * `cloud-config` for a cloud-init that writes this file and starts sprout-bootstrap.
 */
export const UserDataFormat = z.enum(["json", "seed", "cloud-config"]).meta({ id: "UserDataFormat" });
export type UserDataFormat = z.infer<typeof UserDataFormat>;

export const UserDataQuery = z.strictObject({ format: UserDataFormat.default("json") });

/** `json` or `seed`, whichever was asked for. */
export const UserDataJson = z.union([Ec2UserData, Seed]);
