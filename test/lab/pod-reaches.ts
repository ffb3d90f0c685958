import type { Kubectl } from "../../cli/demo/kubectl.ts";

export interface PodConnection {
  pod: string;
  namespace?: string;
  address: string;
  port: string | number;
}

/** Whether a pod with busybox can open a TCP connection. Throws if its nc gives no clear answer. */
export async function podReaches(
  kubectl: Kubectl,
  { pod, namespace = "default", address, port }: PodConnection,
): Promise<boolean> {
  const script = `nc -w 2 ${address} ${port} </dev/null 2>&1; echo "exit code $?"`;
  const said = await kubectl(["exec", "-n", namespace, pod, "--", "timeout", "10", "sh", "-c", script]);
  if (said.endsWith("exit code 0")) return true;
  if (/timed out|refused|unreachable/.test(said)) return false;
  throw new Error(`Cannot determine whether ${pod} reaches ${address}:${port}: ${said}`);
}
