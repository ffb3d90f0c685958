import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Credentials, type WorkerCredentials } from "#api/credentials.ts";
import { createTestAuthorities, now, opensslVerify, toSecond, worker } from "../../test/fixtures/authorities.ts";
import { mintCredentials } from "./mint.ts";

const authorities = createTestAuthorities();

describe("mintCredentials, for a worker that joins by kubeadm", () => {
  const bootstrapNotAfter = now + 900_000;
  const credentials = mintCredentials(authorities, { ...worker, bootstrapNotAfter }) as Extract<
    WorkerCredentials,
    { join: "kubeadm" }
  >;

  it("returns credentials that satisfy the wire schema, without a client certificate of the kubelet", () => {
    expect(Credentials.parse(JSON.parse(JSON.stringify(credentials)))).toEqual(credentials);
    expect(Object.keys(credentials.kubelet)).toEqual(["serving"]);
  });

  it("issues a client certificate in kubeadm's group of bootstrap tokens, until the requested end", async () => {
    const x509 = new X509Certificate(credentials.bootstrap.certificate);
    expect(x509.subject).toBe(
      `O=system:bootstrappers:kubeadm:default-node-token\nCN=system:bootstrap:${worker.allocation}`,
    );
    expect(x509.validToDate.getTime()).toBe(toSecond(bootstrapNotAfter));
    const ca = authorities.kubernetes.certificate;
    expect(await opensslVerify(credentials.bootstrap.certificate, { ca, purpose: "sslclient" })).toBe("stdin: OK");
  });
});
