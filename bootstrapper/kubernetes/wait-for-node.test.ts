import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FakeKubernetesApi, startFakeKubernetesApi } from "../../test/fakes/fake-kubernetes-api.ts";
import { createClusterCredentials } from "../../test/fakes/test-certificates.ts";
import { createKubernetesApi, type KubernetesApi } from "./api-client.ts";
import { whyNotReady } from "./node.ts";
import { waitForNode } from "./wait-for-node.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const failure = "Cannot get Node own Ready";
const address = "127.0.0.1";

let kubernetes: FakeKubernetesApi;
let api: KubernetesApi;

beforeAll(async () => {
  const credentials = createClusterCredentials()("control-plane", {
    allocation: "a-aaaaaaaaaaaaaaaa",
    name: "cp01.build126.test",
  });
  if (credentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  const { "ca.crt": ca, "apiserver.crt": certificate, "apiserver.key": key } = credentials.pki;
  kubernetes = await startFakeKubernetesApi({ certificate, key });
  api = createKubernetesApi({ url: `https://localhost:${kubernetes.port}`, ca });
});
afterAll(async () => {
  api[Symbol.dispose]();
  await kubernetes.close();
});

it("returns once its Node exists and is Ready, and ignores other Nodes", async () => {
  kubernetes.addNode("other", { address, ready: true });
  const signal = patientSignal();
  const waiting = waitForNode(api, { name: "own", whyNot: whyNotReady, signal, failure });
  const before = Promise.race([waiting.then(() => "seen"), sleep(300, "waiting")]);
  kubernetes.addNode("own", { address, ready: false });
  kubernetes.addNode("other", { address, ready: true });
  expect(await before).toBe("waiting");
  kubernetes.addNode("own", { address, ready: true });
  await waiting;
});

it("ends with the last reason: no Node, or the kubelet's words", async () => {
  const options = { whyNot: whyNotReady, failure };
  await expect(waitForNode(api, { ...options, name: "none", signal: AbortSignal.timeout(300) })).rejects.toThrow(
    "Cannot get Node own Ready: it does not exist, and time is up",
  );
  kubernetes.addNode("late", { address, ready: false });
  await expect(waitForNode(api, { ...options, name: "late", signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
    code: "kubernetes",
    message: "Cannot get Node own Ready: no network yet, and time is up",
  });
});
