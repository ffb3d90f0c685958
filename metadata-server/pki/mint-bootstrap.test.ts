import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Credentials, type WorkerCredentials } from "#api/credentials.ts";
import { createTestAuthorities, now, opensslVerify, toSecond, worker } from "./fixtures.ts";
import { mintCredentials } from "./mint.ts";

const authorities = createTestAuthorities();

describe("the credentials of a worker that joins by kubeadm", () => {
  const bootstrapNotAfter = now + 900_000;
  const credentials = mintCredentials(authorities, { ...worker, bootstrapNotAfter }) as Extract<
    WorkerCredentials,
    { join: "kubeadm" }
  >;

  test("satisfy the wire schema, without a client certificate of the kubelet", () => {
    expect(Credentials.parse(JSON.parse(JSON.stringify(credentials)))).toEqual(credentials);
    expect(Object.keys(credentials.kubelet)).toEqual(["serving"]);
  });

  test("have a client certificate in kubeadm's group of bootstrap tokens that ends when it was asked to", async () => {
    const x509 = new X509Certificate(credentials.bootstrap.certificate);
    expect(x509.subject).toBe(
      `O=system:bootstrappers:kubeadm:default-node-token\nCN=system:bootstrap:${worker.allocation}`,
    );
    expect(x509.validToDate.getTime()).toBe(toSecond(bootstrapNotAfter));
    const ca = authorities.kubernetes.certificate;
    expect(await opensslVerify(credentials.bootstrap.certificate, { ca, purpose: "sslclient" })).toBe("stdin: OK");
  });
});
