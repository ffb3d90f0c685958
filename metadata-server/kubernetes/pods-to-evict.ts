import { z } from "zod";
import { boundedList } from "#api/bounded-list.ts";

/** What a drain reads of a pod. https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export const Pod = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
    ownerReferences: boundedList(z.object({ kind: z.string(), controller: z.boolean().optional() })).optional(),
  }),
  status: z.object({ phase: z.string().optional() }).optional(),
});
export type Pod = z.infer<typeof Pod>;

const mirrorAnnotation = "kubernetes.io/config.mirror";

/**
 * Returns the pods that must leave a node before its machine goes, as `kubectl drain --ignore-daemonsets
 * --delete-emptydir-data --force` chooses them: all but those of DaemonSets, static pods and pods that have ended.
 */
export const podsToEvict = (pods: readonly Pod[]): Pod[] =>
  pods.filter((pod) => !isStatic(pod) && !isOfDaemonSet(pod) && !hasEnded(pod));

const isStatic = ({ metadata }: Pod) => metadata.annotations?.[mirrorAnnotation] !== undefined;
const isOfDaemonSet = ({ metadata }: Pod) =>
  (metadata.ownerReferences ?? []).some(({ kind, controller }) => controller === true && kind === "DaemonSet");
const hasEnded = ({ status }: Pod) => status?.phase === "Succeeded" || status?.phase === "Failed";
