import { z } from "zod";
import { Pem } from "./credentials.ts";
import { authorityPurpose, Capability, ServerUrl } from "./seed.ts";

/** Instances that one request may start, so that their capabilities fit into one user-data. */
export const maxInstancesPerLaunch = 64;
/** EC2's limit, before base64. */
export const maxUserDataBytes = 16_384;

/**
 * User-data of instances that the server launches, as JSON. All instances of one launch have the same user-data, so an
 * instance takes the capability at its `ami-launch-index`.
 */
export const Ec2UserData = z
  .strictObject({
    sprout: z
      .strictObject({
        server: ServerUrl,
        ca: Pem.describe(authorityPurpose),
        capabilities: z
          .array(Capability)
          .min(1)
          .max(maxInstancesPerLaunch)
          .describe("One for each instance of the launch, in the order of `ami-launch-index`"),
      })
      .describe("What `sprout-bootstrap` reads"),
  })
  .meta({ id: "Ec2UserData" });
export type Ec2UserData = z.infer<typeof Ec2UserData>;
