import { z } from "zod";

/** What EC2 says of an instance and signs: `document` and `signature` below `/latest/dynamic/instance-identity/`, as they are. */
export const InstanceIdentity = z
  .strictObject({
    document: z.string().min(2).max(4096),
    /** Base64 of the RSA signature over the document's SHA-256. */
    signature: z
      .string()
      .max(1024)
      .regex(/^[A-Za-z0-9+/=\s]+$/, "must be base64"),
  })
  .meta({ id: "InstanceIdentity" });
export type InstanceIdentity = z.infer<typeof InstanceIdentity>;
