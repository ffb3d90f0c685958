/** Of the modules that are compiled here, the one that wants the newest Go wants this (k8s.io/kubernetes v1.37's go.mod). */
export const minimumGo = "1.26.0";
