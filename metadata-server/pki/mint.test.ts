import { X509Certificate, createPrivateKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type ControlPlaneCredentials, Credentials, type KeyPair, type WorkerCredentials } from "#api/credentials.ts";
import { dayMs } from "./certificate.ts";
import {
  alternativeNamesOf,
  controlPlane,
  createTestAuthorities,
  now,
  opensslVerify,
  toSecond,
  worker,
} from "../../test/fixtures/authorities.ts";
import { type MintRequest, mintCredentials } from "./mint.ts";

const authorities = createTestAuthorities();
const mintControlPlane = (changes: Partial<MintRequest> = {}) =>
  mintCredentials(authorities, { ...controlPlane, ...changes }) as ControlPlaneCredentials;
const mintWorker = (changes: Partial<MintRequest> = {}) =>
  mintCredentials(authorities, { ...worker, ...changes }) as Extract<WorkerCredentials, { join: "certificate" }>;

/** Returns every key pair of a control plane by name, with the authority that must have issued it. */
function pairs(credentials: ControlPlaneCredentials): [name: string, pair: KeyPair, ca: string][] {
  const { pki, kubeconfigs, kubelet, networkAgent } = credentials;
  const file = (
    base: "apiserver" | "apiserver-kubelet-client" | "front-proxy-client" | "apiserver-etcd-client",
  ): KeyPair => ({
    certificate: pki[`${base}.crt`],
    key: pki[`${base}.key`],
  });
  const etcd = (base: "server" | "peer" | "healthcheck-client"): KeyPair => ({
    certificate: pki[`etcd/${base}.crt`],
    key: pki[`etcd/${base}.key`],
  });
  return [
    ["apiserver", file("apiserver"), pki["ca.crt"]],
    ["apiserver-kubelet-client", file("apiserver-kubelet-client"), pki["ca.crt"]],
    ["front-proxy-client", file("front-proxy-client"), pki["front-proxy-ca.crt"]],
    ["etcd/server", etcd("server"), pki["etcd/ca.crt"]],
    ["etcd/peer", etcd("peer"), pki["etcd/ca.crt"]],
    ["etcd/healthcheck-client", etcd("healthcheck-client"), pki["etcd/ca.crt"]],
    ["apiserver-etcd-client", file("apiserver-etcd-client"), pki["etcd/ca.crt"]],
    ...Object.entries(kubeconfigs).map(([name, pair]): [string, KeyPair, string] => [name, pair, pki["ca.crt"]]),
    ["kubelet client", kubelet.client, pki["ca.crt"]],
    ["kubelet serving", kubelet.serving, pki["ca.crt"]],
    ["network agent", networkAgent!, pki["ca.crt"]],
  ];
}

const inJson = (pem: string) => JSON.stringify(pem).slice(1, -1);
const endOf = (notAfter: number) =>
  new X509Certificate(mintWorker({ notAfter }).kubelet.client.certificate).validToDate.getTime();

const serverAuthentication = "1.3.6.1.5.5.7.3.1";
const clientAuthentication = "1.3.6.1.5.5.7.3.2";
const summary = (credentials: ControlPlaneCredentials) =>
  Object.fromEntries(
    pairs(credentials).map(([name, { certificate }]) => {
      const x509 = new X509Certificate(certificate);
      const usages = x509.keyUsage.map(
        (oid) => ({ [serverAuthentication]: "server", [clientAuthentication]: "client" })[oid],
      );
      return [name, `${x509.subject.split("\n").join(" ")} ${usages.join("+")}`];
    }),
  );

describe("mintCredentials, for a control plane", () => {
  it("returns credentials that satisfy the wire schema and survive JSON", () => {
    const credentials = mintControlPlane();
    expect(Credentials.parse(JSON.parse(JSON.stringify(credentials)))).toEqual(credentials);
  });

  it("issues kubeadm's subjects and usages, with system:masters for super-admin alone", () => {
    expect(summary(mintControlPlane())).toEqual({
      apiserver: "CN=kube-apiserver server",
      "apiserver-kubelet-client": "CN=kube-apiserver-kubelet-client client",
      "front-proxy-client": "CN=front-proxy-client client",
      "etcd/server": "CN=cp01.build126.test server+client",
      "etcd/peer": "CN=cp01.build126.test server+client",
      "etcd/healthcheck-client": "CN=kube-etcd-healthcheck-client client",
      "apiserver-etcd-client": "CN=kube-apiserver-etcd-client client",
      admin: "O=kubeadm:cluster-admins CN=kubernetes-admin client",
      "super-admin": "O=system:masters CN=kubernetes-super-admin client",
      "controller-manager": "CN=system:kube-controller-manager client",
      scheduler: "CN=system:kube-scheduler client",
      "kubelet client": "O=system:nodes CN=system:node:cp01.build126.test client",
      "kubelet serving": "O=system:nodes CN=system:node:cp01.build126.test server",
      "network agent": "O=sprout:network-agents CN=sprout:node:cp01.build126.test client",
    });
  });

  it("grants the API server its rights at kubelets by a group before 1.36", () => {
    for (const kubernetesVersion of ["v1.34.4", "v1.35.4"])
      expect(summary(mintControlPlane({ kubernetesVersion }))).toEqual({
        ...summary(mintControlPlane()),
        "apiserver-kubelet-client": "O=kubeadm:cluster-admins CN=kube-apiserver-kubelet-client client",
      });
  });

  it("issues certificates that openssl accepts for every purpose they have, and for no other", async () => {
    for (const [name, { certificate, key }, ca] of pairs(mintControlPlane())) {
      const x509 = new X509Certificate(certificate);
      const good = (purpose: "sslserver" | "sslclient") =>
        opensslVerify(certificate, { ca, purpose }).then(
          (verdict) => verdict,
          () => "refused",
        );
      expect([name, await good("sslserver"), await good("sslclient")]).toEqual([
        name,
        x509.keyUsage.includes(serverAuthentication) ? "stdin: OK" : "refused",
        x509.keyUsage.includes(clientAuthentication) ? "stdin: OK" : "refused",
      ]);
      expect([name, x509.checkPrivateKey(createPrivateKey(key))]).toEqual([name, true]);
    }
  });

  it("certifies every host under which clients reach the API server, etcd and the kubelet", () => {
    const { pki, kubelet } = mintControlPlane();
    expect(alternativeNamesOf(pki["apiserver.crt"])).toEqual([
      "DNS:cp01.build126.test",
      "DNS:kubernetes",
      "DNS:kubernetes.default",
      "DNS:kubernetes.default.svc",
      "DNS:kubernetes.default.svc.cluster.local",
      "DNS:localhost",
      "DNS:api.build126.test",
      "IP Address:10.96.0.1",
      "IP Address:10.77.0.11",
      "IP Address:127.0.0.1",
    ]);
    const etcdNames = [
      "DNS:cp01.build126.test",
      "DNS:localhost",
      "IP Address:10.77.0.11",
      "IP Address:127.0.0.1",
      "IP Address:0:0:0:0:0:0:0:1",
    ];
    expect(alternativeNamesOf(pki["etcd/server.crt"])).toEqual(etcdNames);
    expect(alternativeNamesOf(pki["etcd/peer.crt"])).toEqual(etcdNames);
    expect(alternativeNamesOf(kubelet.serving.certificate)).toEqual([
      "DNS:cp01.build126.test",
      "IP Address:10.77.0.11",
    ]);
    expect(alternativeNamesOf(kubelet.client.certificate)).toEqual([]);
  });

  it.each([
    ["10.96.0.0/12", "10.96.0.1"],
    ["10.111.222.33/12", "10.96.0.1"],
    ["192.168.255.0/24", "192.168.255.1"],
    ["172.20.0.254/31", "172.20.0.255"],
    ["240.0.0.0/4", "240.0.0.1"],
  ])("certifies the first address of the service subnet %s: %s", (serviceSubnet, address) => {
    const { pki } = mintControlPlane({ serviceSubnet });
    expect(new X509Certificate(pki["apiserver.crt"]).checkIP(address)).toBe(address);
  });

  it("accepts an address as the endpoint's host", () => {
    const { pki } = mintControlPlane({ endpointHost: "198.51.100.9" });
    expect(new X509Certificate(pki["apiserver.crt"]).checkIP("198.51.100.9")).toBe("198.51.100.9");
  });
});

describe("mintCredentials, for a worker", () => {
  it("returns the certificates of its kubelet and network agent, and no authority's key", () => {
    const credentials = mintWorker();
    expect(Credentials.parse(credentials)).toEqual(credentials);
    expect(credentials.pki).toEqual({ "ca.crt": authorities.kubernetes.certificate });
    const json = JSON.stringify(credentials);
    for (const { key } of [
      authorities.kubernetes,
      authorities.etcd,
      authorities.frontProxy,
      authorities.serviceAccount,
    ])
      expect(json).not.toContain(inJson(key));
    expect(json).toContain(inJson(credentials.kubelet.client.key));
  });

  it("issues certificates for at least 30 days, or for as long as requested", () => {
    expect(endOf(now + 60_000)).toBe(toSecond(now + 30 * dayMs));
    expect(endOf(now + 31 * dayMs)).toBe(toSecond(now + 31 * dayMs));
  });

  it("issues certificates that openssl accepts for the longest node name", async () => {
    const { kubelet, networkAgent } = mintWorker({ name: "n".repeat(52) });
    const ca = authorities.kubernetes.certificate;
    expect(await opensslVerify(kubelet.client.certificate, { ca, purpose: "sslclient" })).toBe("stdin: OK");
    expect(await opensslVerify(networkAgent!.certificate, { ca, purpose: "sslclient" })).toBe("stdin: OK");
  });
});

describe("Refusals of mintCredentials", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["an empty name", { name: "" }, "/name: Expected a lower-case DNS name"],
    [
      "a name of 53 characters",
      { name: "n".repeat(53) },
      "/name: Expected a lower-case DNS name of at most 52 characters, got 53 characters",
    ],
    ["a name in capitals", { name: "CP01" }, "/name: Expected a lower-case DNS name"],
    ["an invalid address", { address: "10.77.0.256" }, "/address: Expected an IPv4 address"],
    ["an empty address", { address: "" }, "/address: Expected an IPv4 address"],
    ["an unknown role", { role: "master" }, '/role: Expected "control-plane" or "worker"'],
    ["an invalid allocation", { allocation: "b-1" }, "/allocation: Expected an allocation id such as a-4xk2…"],
    ["an invalid service subnet", { serviceSubnet: "10.96.0.0/33" }, "/serviceSubnet: Expected an IPv4 CIDR"],
    [
      "a service subnet of one address",
      { serviceSubnet: "10.96.0.0/32" },
      "/serviceSubnet: Expected a subnet with a first address",
    ],
    ["an unreadable version", { kubernetesVersion: "1.37" }, "/kubernetesVersion: Expected a version such as v1.37.2"],
    ["a time that is not a number", { now: Number.NaN }, "/now: Expected a number"],
    ["an unknown field", { sans: [] }, "/sans: Unknown field"],
    [
      "two invalid fields, naming both",
      { name: "", address: "x" },
      '/name: Expected a lower-case DNS name of at most 52 characters, got ""; /address: Expected',
    ],
  ])("refuses %s", (_title, changes, message) => {
    const request = { ...controlPlane, ...changes };
    expect(() => mintCredentials(authorities, request)).toThrow(message);
    expect(() => mintCredentials(authorities, request)).toThrow(/^Cannot mint credentials: /);
  });

  it.each([
    ["an empty endpoint host", { endpointHost: "" }, '"" is not a DNS name'],
    ["an endpoint with its port", { endpointHost: "api.test:6443" }, '"api.test:6443" is not a DNS name'],
    ["an endpoint that is almost an address", { endpointHost: "10.0.0.300" }, '"10.0.0.300" is not a DNS name'],
  ])("refuses %s", (_title, changes, message) => {
    expect(() => mintControlPlane(changes)).toThrow(`Cannot issue certificate for "kube-apiserver": ${message}`);
  });

  it("refuses a truncated authority", () => {
    const truncated = { ...authorities.etcd, certificate: authorities.etcd.certificate.slice(0, 300) };
    expect(() => mintCredentials({ ...authorities, etcd: truncated }, controlPlane)).toThrow(
      "Cannot use authority: its PEM is damaged",
    );
  });
});
