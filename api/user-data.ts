import { z } from "zod";
import { Ec2UserData } from "./ec2-user-data.ts";
import { Seed } from "./seed.ts";

/** Of user-data of one machine that the operator launches. */
export const UserDataFormat = z.enum(["json", "seed", "cloud-config"]).meta({
  id: "UserDataFormat",
  description:
    "`json` as EC2's user-data, `seed` for `/etc/sprout/seed.json` (0600), `cloud-config` for a cloud-init that writes this file and starts `sprout-bootstrap`",
});
export type UserDataFormat = z.infer<typeof UserDataFormat>;

export const UserDataQuery = z.strictObject({ format: UserDataFormat.default("json") });

/** The format that the query names, `json` or `seed`. */
export const UserDataJson = z.union([Ec2UserData, Seed]);
