import { mismatch } from "#api/field-errors.ts";
import { isSupportedKubernetes, warnUnverified } from "#api/kubernetes-version.ts";
import type { CreateCluster } from "#api/create-cluster.ts";
import { messageOf } from "#lib/errors.ts";
import { createTurns } from "#lib/turns.ts";
import { DomainError } from "../errors.ts";
import type { MachineProvider } from "../providers/provider.ts";
import { StoreConflict, StoreUnavailable } from "../store/store.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { mintCluster } from "./cluster-secrets.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { findKnown, type IdempotencyKey, rememberKey, type StoredCluster, toIdempotency } from "./idempotency.ts";
import { createClusterId } from "./identifiers.ts";
import { startLaunch } from "./launch.ts";
import { clusterEvent, liveStates } from "./lifecycle.ts";
import { type ClusterPlan, planCluster, withSegment } from "./plan.ts";
import { refuseNodePools } from "./refuse-node-pools.ts";
import { poolsOf, toReserved } from "./node-pools.ts";

/**
 * Plans a cluster, reserves its machines, mints its credentials and stores it all in one durable commit. Then starts
 * its machines in the background. Throws DomainError: `invalid-request`, `no-image`, `no-capacity`, `name-taken`,
 * `idempotency-key-reused`.
 */
export async function createCluster(
  deps: ClusterDependencies,
  request: CreateCluster,
  { by, idempotencyKey }: { by: Actor; idempotencyKey?: string | undefined },
): Promise<StoredCluster> {
  const idempotency = toIdempotency(idempotencyKey, request);
  const known = await findKnown(deps, idempotency);
  if (known !== undefined) return known;
  const provider = findProvider(deps, request.provider);
  refuseReplacement(provider, request);
  refuseVirtualAddress(provider, request);
  const kubernetesVersion = await chooseVersion(provider, request.kubernetesVersion);
  await refuseNodePools(provider, { nodePools: request.nodePools, kubernetesVersion });
  if (request.name !== undefined) await refuseTakenName(deps, request.name);
  const turn = createTurns();
  const plan = await planCluster(request, {
    id: createClusterId(deps.random),
    baseDomain: deps.baseDomain,
    kubernetesVersion,
    provisionAllowanceMs: provider.provisionAllowanceMs,
    now: deps.clock.now(),
    random: deps.random,
  });
  // A cluster may have thousands of nodes, and others are to be served meanwhile.
  await turn();
  try {
    return await reserveAndStore(deps, { plan, provider, machines: request.machines, idempotency, by });
  } catch (error) {
    // The cluster may be stored nevertheless: then it is resumed, else its machines are strays.
    if (error instanceof StoreUnavailable && !error.wasRefused) throw error;
    await releaseSegment(deps, { provider, clusterId: plan.cluster.id });
    if (!(error instanceof StoreConflict)) throw error;
    const winner = error.reason === "key-used" ? await findKnown(deps, idempotency) : undefined;
    if (winner !== undefined) return winner;
    throw error.reason === "name-taken" ? nameTaken(plan.cluster.name, error) : error;
  }
}

async function reserveAndStore(
  deps: ClusterDependencies,
  options: {
    plan: ClusterPlan;
    provider: MachineProvider;
    machines: CreateCluster["machines"];
    idempotency: IdempotencyKey | undefined;
    by: Actor;
  },
): Promise<StoredCluster> {
  const { provider, idempotency } = options;
  const members = options.plan.members.map(toReserved);
  const { id: clusterId, network } = options.plan.cluster;
  const nodePools = poolsOf(options.plan.cluster);
  const segment = await provider.reserve({ clusterId, members, machines: options.machines, nodePools, network });
  const turn = createTurns();
  const plan = withSegment(options.plan, segment);
  await turn();
  const { sealedDataKey, secrets } = await mintCluster(deps, plan);
  const cluster = { ...plan.cluster, sealedDataKey };
  const message = warnUnverified(cluster.kubernetesVersion);
  await deps.store.commit({
    clusters: [cluster],
    members: plan.members,
    secrets,
    events: [clusterEvent(cluster.id, { state: cluster.state, at: cluster.createdAt, message })],
    audit: [auditAllowed(options.by, { action: "cluster-create", at: cluster.createdAt, clusterId: cluster.id })],
    ...(idempotency && { idempotency: rememberKey(idempotency, { clusterId: cluster.id, at: cluster.createdAt }) }),
  });
  if (message !== undefined) deps.logger.warn(message, { clusterId: cluster.id });
  // Machines that the operator launches get their capabilities with their user-data.
  if (provider.userDataServerUrl === undefined)
    startLaunch(deps, { clusterId: cluster.id, serverUrl: segment.serverUrl, capabilities: plan.capabilities });
  return { cluster, members: plan.members };
}

export function findProvider(deps: ClusterDependencies, name: string): MachineProvider {
  const provider = deps.providers.get(name);
  if (provider !== undefined) return provider;
  const known = [...deps.providers.keys()].join(", ") || "none";
  throw new DomainError("invalid-request", "Cannot create cluster", {
    errors: [{ pointer: "/provider", detail: mismatch(`a provider of this server (${known})`, name) }],
  });
}

/** Only a provider that surveys its machines knows that one has terminated. */
function refuseReplacement(provider: MachineProvider, { maxUnhealthy }: CreateCluster): void {
  if (provider.survey !== undefined || maxUnhealthy === 0) return;
  const detail = `${mismatch("0", maxUnhealthy)}; provider ${provider.name} does not notice machines that terminate`;
  throw new DomainError("invalid-request", "Cannot create cluster", { errors: [{ pointer: "/maxUnhealthy", detail }] });
}

/** Control planes can share an address only where their network lets it move. */
function refuseVirtualAddress({ name, virtualAddresses }: MachineProvider, { virtualAddress }: CreateCluster): void {
  if (virtualAddress === undefined) return;
  const expected = {
    planned: `"auto"; provider ${name} plans addresses`,
    given: `an address; provider ${name} knows none that is free`,
    none: `no virtualAddress; machines of provider ${name} cannot move an address`,
  }[virtualAddresses ?? "none"];
  const isAuto = virtualAddress === "auto";
  if (virtualAddresses === (isAuto ? "planned" : "given")) return;
  const detail = mismatch(expected, virtualAddress);
  throw new DomainError("invalid-request", "Cannot create cluster", {
    errors: [{ pointer: "/virtualAddress", detail }],
  });
}

async function chooseVersion(provider: MachineProvider, wanted: string | undefined): Promise<string> {
  const versions = (await provider.kubernetesVersions()).filter(isSupportedKubernetes);
  const version = wanted ?? versions[0];
  if (version !== undefined && versions.includes(version)) return version;
  const available = versions.length === 0 ? "none is baked" : `there are: ${versions.join(", ")}`;
  const advice = `run sprout image bake${wanted === undefined ? "" : ` --kubernetes-version ${wanted}`}`;
  throw new DomainError(
    "no-image",
    `Provider ${provider.name} has no image for Kubernetes ${wanted ?? "of any version"}; ${available}; ${advice}`,
  );
}

async function refuseTakenName(deps: ClusterDependencies, name: string): Promise<void> {
  const [holder] = await deps.store.clusters({ name, states: liveStates, limit: 1 });
  if (holder !== undefined) throw nameTaken(name);
}

const nameTaken = (name: string, cause?: unknown) =>
  new DomainError("name-taken", `A cluster named ${name} exists; choose another name, or delete that cluster`, {
    cause,
  });

/** Failures are only logged: the next start removes segments that no cluster owns. */
async function releaseSegment(
  deps: ClusterDependencies,
  { provider, clusterId }: { provider: MachineProvider; clusterId: string },
): Promise<void> {
  try {
    await provider.release(clusterId);
  } catch (error) {
    deps.logger.warn("Cannot release segment of a cluster that was not created", {
      clusterId,
      error: messageOf(error),
    });
  }
}
