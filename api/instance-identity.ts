import { z } from "zod";

/** EC2's signed description of an instance: `document` and `signature` below `/latest/dynamic/instance-identity/`. */
export const InstanceIdentity = z
  .strictObject({
    document: z.string().min(2).max(4096).describe("EC2's identity document, byte for byte as the instance reads it"),
    signature: z
      .string("base64 of at most 1024 characters")
      .max(1024)
      .regex(/^[A-Za-z0-9+/=\s]+$/)
      .describe("Base64 of the RSA signature over the document's SHA-256"),
  })
  .meta({ id: "InstanceIdentity" });
export type InstanceIdentity = z.infer<typeof InstanceIdentity>;
