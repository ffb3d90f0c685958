import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Ec2Refusal } from "./fake-ec2-refusal.ts";

export interface FakeCredentials {
  accessKeyId: string;
  secretAccessKey: string;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Signature version 4 of a POST to `/`, as AWS checks it. Throws Ec2Refusal. */
export function checkSignature(
  { headers, body }: { headers: IncomingHttpHeaders; body: string },
  { credentials, region }: { credentials: FakeCredentials; region: string },
): void {
  const { authorization = "" } = headers;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (parts === null)
    throw new Ec2Refusal(401, "MissingAuthenticationToken", "Request is missing Authentication Token");
  const [, keyId = "", day = "", signedRegion = "", service = "", signedHeaders = "", signature = ""] = parts;
  if (keyId !== credentials.accessKeyId)
    throw new Ec2Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
  if (signedRegion !== region || service !== "ec2")
    throw new Ec2Refusal(403, "SignatureDoesNotMatch", `Credential should be scoped to ${region} and ec2`);
  const names = signedHeaders.split(";");
  if (!names.includes("host") || !names.includes("x-amz-date"))
    throw new Ec2Refusal(403, "SignatureDoesNotMatch", "'host' and 'x-amz-date' must be signed");
  const canonicalHeaders = names.map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`).join("");
  const canonical = ["POST", "/", "", canonicalHeaders, signedHeaders, sha256(body)].join("\n");
  const scope = `${day}/${region}/ec2/aws4_request`;
  const stringToSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const key = ["ec2", "aws4_request"].reduce<Buffer>(
    (previous, part) => hmac(previous, part),
    hmac(hmac(`AWS4${credentials.secretAccessKey}`, day), region),
  );
  if (hmac(key, stringToSign).toString("hex") !== signature)
    throw new Ec2Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match");
}
