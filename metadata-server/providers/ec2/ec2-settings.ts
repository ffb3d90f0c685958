import type { Role } from "#api/name.ts";

/** What the operator decides. `check-settings.ts` checks it against EC2. */
export interface Ec2Settings {
  region: string;
  /** URL instead of the region's own, such as an interface endpoint. */
  endpoint?: string | undefined;
  /** Image, such as `v1.37.2` or `v1.37.2-gpu` → AMI. */
  images: Record<string, string>;
  /** A cluster's instances are in one subnet; the others serve if that one lacks capacity. */
  subnets: readonly string[];
  securityGroups: readonly string[];
  /** In order of preference. */
  instanceTypes: Record<Role, readonly string[]>;
  /** What node pools may name in addition to the workers' own. */
  nodePoolInstanceTypes: readonly string[];
  /** Name of an IAM instance profile; none by default. */
  instanceProfile?: string | undefined;
  spot: boolean;
  /** PEM certificates that sign instance-identity documents in the region. */
  identityCertificates: readonly string[];
  /** The metadata server as instances reach it. */
  serverUrl: string;
  /** Distinguishes this server's instances from all others of the account. */
  installation: string;
}
