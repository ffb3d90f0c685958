import type { InstanceIdentity } from "#api/instance-identity.ts";
import type { Trust } from "../server/trust.ts";

/** A metadata server: its address, how to trust it, and how this machine identifies itself. */
export interface ServerSource {
  name: "seed" | "kernel-command-line" | "ec2" | "allocation-record";
  server: string;
  /** Empty once it is spent. */
  capability: string;
  trust: Trust;
  mac?: string | undefined;
  address?: string | undefined;
  /** On EC2: the instance's identity, signed by EC2. */
  instanceIdentity?: InstanceIdentity | undefined;
}

/** User-data, which identifies this machine without a server. */
export interface UserDataSource {
  name: "user-data" | "allocation-record";
  /** The place it was found, for errors. */
  where: string;
  /** The text itself; empty if only its record is left. */
  userData: string;
  /** Over the text and the id of the instance that it was given to. */
  sha256: string;
  /** The service that has it, if it came over the network. */
  url?: URL | undefined;
}

export type Source = ServerSource | UserDataSource;
