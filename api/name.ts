import { z } from "zod";

/** A label of RFC 1123. */
export const DnsLabel = z
  .string("a DNS label of at most 63 lower-case letters, digits and inner hyphens")
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
  .meta({ id: "DnsLabel", description: "A DNS label (RFC 1123)" });

/** A full node name such as `cp01.build126.sprout.internal`. 52 characters keep every name derived from it a label. */
export const NodeName = z
  .string("a lower-case DNS name of at most 52 characters")
  .max(52)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
  .meta({ id: "NodeName", description: "Fully qualified node name, 52 characters at most" });

export const ClusterId = z
  .string("a cluster id such as c-4xk2…")
  .regex(/^c-[a-z2-7]{16}$/)
  .meta({ id: "ClusterId", description: "A cluster by its random identifier, which no other cluster ever gets" });

export const AllocationId = z
  .string("an allocation id such as a-4xk2…")
  .regex(/^a-[a-z2-7]{16}$/)
  .meta({ id: "AllocationId", description: "One machine in one role of one cluster; also the cloud-init instance-id" });

export const MachineId = z
  .string("a machine id such as m-4xk2…")
  .regex(/^m-[a-z2-7]{16}$/)
  .meta({ id: "MachineId", description: "A machine of the inventory by its random identifier" });

export const KubernetesVersion = z
  .string("a version such as v1.37.2")
  .regex(/^v\d+\.\d+\.\d+$/)
  .meta({ id: "KubernetesVersion", description: "Kubernetes release with its patch version, such as `v1.37.2`" });

export const JoinMode = z.enum(["certificate", "kubeadm"]).meta({
  id: "JoinMode",
  description: "How workers get their kubelet's client certificate: made by the server, or by `kubeadm join`",
});
export type JoinMode = z.infer<typeof JoinMode>;

export const Role = z
  .enum(["control-plane", "worker"])
  .meta({ id: "Role", description: "What the node runs: a control plane with etcd, or a worker" });
export type Role = z.infer<typeof Role>;
