import { DomainError } from "../../errors.ts";

/** EC2's code, or the SDK's own name where EC2 was not reached. */
export const ec2ErrorCode = (error: unknown): string => (error as Error | undefined)?.name ?? "";

const throttled = new Set(["RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled"]);
export const isThrottled = (error: unknown): boolean => throttled.has(ec2ErrorCode(error));

/** Another type or zone may have what this one has not. */
const scarce = new Set([
  "InsufficientInstanceCapacity",
  "InsufficientHostCapacity",
  "InsufficientFreeAddressesInSubnet",
  "InstanceLimitExceeded",
  "MaxSpotInstanceCountExceeded",
  "SpotMaxPriceTooLow",
  "Unsupported",
  "VcpuLimitExceeded",
]);
export const isScarce = (error: unknown): boolean => scarce.has(ec2ErrorCode(error));

export const isUnknownInstance = (error: unknown): boolean => ec2ErrorCode(error) === "InvalidInstanceID.NotFound";

const advice: Record<string, string> = {
  "Could not load credentials from any providers":
    "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile that " +
    "there is, or give this host an instance profile",
  ExpiredToken: "the AWS credentials have expired; renew them",
  RequestExpired: "the AWS credentials or this host's clock are out of date; renew the credentials, set the clock",
  AuthFailure:
    "AWS does not accept the credentials; check them, this host's clock, and that the account has this region enabled",
  InvalidClientTokenId: "AWS does not know the access key; check the credentials",
  SignatureDoesNotMatch: "AWS does not accept the secret access key; check the credentials",
  OptInRequired: "the account is not subscribed to EC2 in this region",
  ENOTFOUND: "there is no such endpoint; check --ec2-region and --ec2-endpoint",
};

const hints: Record<string, string> = {
  "InvalidAMIID.NotFound": "an AMI is of one region, and this account's or shared with it",
  "InvalidSubnetID.NotFound": "a subnet is of one region and account",
  "InvalidGroup.NotFound": "a group is of one region and account",
  InvalidInstanceType: "regions differ in what types they have",
};

/** What EC2 said, and what to do where that is known. */
export function describeEc2Error(error: unknown): string {
  const code = ec2ErrorCode(error);
  const system = (error as { code?: string }).code ?? "";
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("Credential should be scoped"))
    return `the endpoint is another region's; check --ec2-region and --ec2-endpoint (${code}: ${message})`;
  const known = advice[message] ?? advice[code] ?? advice[system];
  if (known !== undefined) return `${known} (${code === "Error" ? message : code})`;
  const hint = hints[code];
  if (hint !== undefined) return `${message} (${code}: ${hint})`;
  if (code === "UnauthorizedOperation") return `${message.split(" Encoded authorization failure")[0]} (${code})`;
  return code === "" || code === "Error" ? message : `${message} (${code})`;
}

export const unusable = (problems: readonly string[], cause?: unknown) =>
  new DomainError("provider-unusable", `Cannot use provider ec2: ${problems.join("; ")}`, { cause });

const unreachable = new Set(["ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"]);
/** It may be different in a moment, without anybody's doing. */
export const isUnreachable = (error: unknown): boolean =>
  unreachable.has((error as { code?: string } | undefined)?.code ?? "") ||
  ec2ErrorCode(error) === "TimeoutError" ||
  isThrottled(error);
