import { X509Certificate, createPrivateKey } from "node:crypto";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { hourMs } from "./certificate.ts";
import { createTestAuthorities, now, opensslVerify, toSecond } from "../../test/fixtures/authorities.ts";
import { mintUserKubeconfig } from "./user-kubeconfig.ts";

const authorities = createTestAuthorities();
const request = {
  clusterName: "build126",
  server: "https://10.77.0.11:6443",
  user: "operator",
  ttlMs: hourMs,
  now,
};

interface Kubeconfig {
  clusters: [{ name: string; cluster: Record<string, string> }];
  users: [{ name: string; user: Record<string, string> }];
  contexts: [{ name: string; context: { cluster: string; user: string } }];
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
  expect(kubeconfig.clusters[0]).toMatchObject({ name: "build126", cluster: { server: request.server } });
  expect(kubeconfig.users[0].name).toBe("operator");
  expect(ca).toBe(authorities.kubernetes.certificate);
  expect(x509.subject).toBe("O=kubeadm:cluster-admins\nCN=operator");
  expect(x509.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(x509.validToDate.getTime()).toBe(toSecond(now + hourMs));
  expect(await opensslVerify(certificate, { ca, purpose: "sslclient" })).toBe("stdin: OK");
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
