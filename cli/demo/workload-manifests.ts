export const workloadName = "sprout-demo";
export const workloadPort = 8080;
/** Baked into every machine image, so it is not pulled. */
const image = "localhost/sprout/busybox:1";
const selector = { app: workloadName };

/** A web server on every node that answers the node's name, behind one Service. */
export const workloadManifests = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: workloadName },
      spec: {
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: selector },
          spec: {
            tolerations: [{ operator: "Exists" }],
            terminationGracePeriodSeconds: 0,
            containers: [
              {
                name: "web",
                image,
                imagePullPolicy: "Never",
                env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
                command: [
                  "sh",
                  "-c",
                  `mkdir -p /www && echo "$NODE_NAME" >/www/index.html && exec httpd -f -p ${workloadPort} -h /www`,
                ],
                readinessProbe: { httpGet: { path: "/", port: workloadPort }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: workloadName },
      spec: { type: "NodePort", selector, ports: [{ port: 80, targetPort: workloadPort }] },
    },
  ],
};
