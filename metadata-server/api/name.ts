import { z } from "zod";

/** An RFC 1123 label: lower-case letters, digits and inner hyphens, 63 characters at most. */
export const DnsLabel = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be a DNS label: lower-case letters, digits and inner hyphens")
  .meta({ id: "DnsLabel" });

/** A full node name such as `cp01.build126.sprout.internal`; 52 characters, so that every name derived from it stays a label. */
export const NodeName = z
  .string()
  .max(52)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, "must be a lower-case DNS name")
  .meta({ id: "NodeName", description: "Fully qualified node name, 52 characters at most" });

export const ClusterId = z
  .string()
  .regex(/^c-[a-z2-7]{16}$/, "must be a cluster id such as c-4xk2…")
  .meta({ id: "ClusterId" });

export const AllocationId = z
  .string()
  .regex(/^a-[a-z2-7]{16}$/, "must be an allocation id such as a-4xk2…")
  .meta({ id: "AllocationId", description: "One machine in one role of one cluster; also the cloud-init instance-id" });

export const MachineId = z
  .string()
  .regex(/^m-[a-z2-7]{16}$/, "must be a machine id such as m-4xk2…")
  .meta({ id: "MachineId" });

export const KubernetesVersion = z
  .string()
  .regex(/^v\d+\.\d+\.\d+$/, "must be a version such as v1.37.2")
  .meta({ id: "KubernetesVersion" });

/**
 * How a worker comes to its kubelet's client certificate: ready-made by the server, or by `kubeadm join`. Control planes
 * always have theirs ready-made.
 */
export const JoinMode = z.enum(["certificate", "kubeadm"]).meta({ id: "JoinMode" });
export type JoinMode = z.infer<typeof JoinMode>;

export const Role = z.enum(["control-plane", "worker"]).meta({ id: "Role" });
export type Role = z.infer<typeof Role>;
