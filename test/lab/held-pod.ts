/** Objects for kubectl: a pod that no eviction ends, because its budget allows none. `placement` says on which node. */
export const heldPod = (placement: { nodeName: string } | { nodeSelector: Record<string, string> }): object[] => [
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "held", labels: { app: "held" } },
    spec: {
      ...placement,
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: "held", image: "localhost/sprout/busybox:1", imagePullPolicy: "Never", command: ["sleep", "3600"] },
      ],
    },
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "held" },
    spec: { selector: { matchLabels: { app: "held" } }, minAvailable: 1 },
  },
];
