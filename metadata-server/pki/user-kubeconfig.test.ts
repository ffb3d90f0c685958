import { X509Certificate, createPrivateKey } from "node:crypto";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { hourMs } from "./certificate.ts";
import { createTestAuthorities, now, opensslVerify, toSecond } from "../../test/fixtures/authorities.ts";
import { mintUserKubeconfig } from "./user-kubeconfig.ts";

const authorities = createTestAuthorities();
const request = {
  clusterName: "build126",
  servers: [{ name: "cp01", url: "https://10.77.0.11:6443" }] as const,
  user: "operator",
  ttlMs: hourMs,
  now,
};

interface Cluster {
  name: string;
  cluster: Record<string, string>;
}
interface Context {
  name: string;
  context: { cluster: string; user: string };
}
interface Kubeconfig {
  clusters: [Cluster, ...Cluster[]];
  users: [{ name: string; user: Record<string, string> }];
  contexts: [Context, ...Context[]];
  "current-context": string;
}
const decode = (from: Record<string, string>, name: string) => Buffer.from(from[name]!, "base64").toString();

function mint(changes: Partial<Parameters<typeof mintUserKubeconfig>[1]> = {}) {
  // Version 1.1 of YAML, as kubectl reads it.
  const kubeconfig = parse(mintUserKubeconfig(authorities, { ...request, ...changes }), {
    version: "1.1",
  }) as Kubeconfig;
  const certificate = decode(kubeconfig.users[0].user, "client-certificate-data");
  return {
    kubeconfig,
    ca: decode(kubeconfig.clusters[0].cluster, "certificate-authority-data"),
    certificate,
    x509: new X509Certificate(certificate),
    key: decode(kubeconfig.users[0].user, "client-key-data"),
  };
}

it("mintUserKubeconfig returns a context with the cluster's authority and a client certificate of the user", async () => {
  const { kubeconfig, ca, certificate, x509, key } = mint();
  expect(kubeconfig["current-context"]).toBe("operator@build126");
  expect(kubeconfig.contexts).toEqual([
    { name: "operator@build126", context: { cluster: "build126", user: "operator" } },
  ]);
  expect(kubeconfig.clusters[0]).toMatchObject({ name: "build126", cluster: { server: request.servers[0].url } });
  expect(kubeconfig.users[0].name).toBe("operator");
  expect(ca).toBe(authorities.kubernetes.certificate);
  expect(x509.subject).toBe("O=kubeadm:cluster-admins\nCN=operator");
  expect(x509.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(x509.validToDate.getTime()).toBe(toSecond(now + hourMs));
  expect(await opensslVerify(certificate, { ca, purpose: "sslclient" })).toBe("stdin: OK");
});

it("mintUserKubeconfig returns a context for each further API server", () => {
  const second = { name: "cp02", url: "https://10.77.0.12:6443" };
  const { kubeconfig } = mint({ servers: [...request.servers, second] });
  expect(kubeconfig["current-context"]).toBe("operator@build126");
  expect(kubeconfig.contexts[1]).toEqual({
    name: "operator@build126-cp02",
    context: { cluster: "build126-cp02", user: "operator" },
  });
  expect(kubeconfig.clusters[1]).toMatchObject({ name: "build126-cp02", cluster: { server: second.url } });
});

it("mintUserKubeconfig quotes names that YAML 1.1 would read as another type", () => {
  expect(mint({ clusterName: "n", user: "yes" }).kubeconfig.contexts[0].context).toEqual({ cluster: "n", user: "yes" });
});

it("mintUserKubeconfig refuses an empty user and a TTL of zero", () => {
  expect(() => mint({ user: "" })).toThrow('Cannot issue certificate for "": the subject has an empty part');
  expect(() => mint({ ttlMs: 0 })).toThrow(
    'Cannot issue certificate for "operator": its validity must start after 1969',
  );
});
