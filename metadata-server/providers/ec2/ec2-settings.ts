import type { Role } from "#api/name.ts";

/** Everything that the operator decides. Checked against EC2 by `check-settings.ts`. */
export interface Ec2Settings {
  region: string;
  /** Instead of the region's own, such as an interface endpoint's. */
  endpoint?: string | undefined;
  /** Kubernetes version → AMI. */
  images: Record<string, string>;
  /** A cluster's instances are in one of them; the others are for where that one has no capacity. */
  subnets: readonly string[];
  securityGroups: readonly string[];
  /** In the order of preference. */
  instanceTypes: Record<Role, readonly string[]>;
  /** Name of an IAM instance profile; none by default. */
  instanceProfile?: string | undefined;
  spot: boolean;
  /** PEM: those that sign instance-identity documents in the region. */
  identityCertificates: readonly string[];
  /** The metadata server as instances reach it. */
  serverUrl: string;
  /** Tells this server's instances from all others of the account. */
  installation: string;
}
