import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject } from "zod-openapi";
import { AuditEntry, AuditPage, AuditQuery } from "#api/audit.ts";
import {
  Cluster,
  ClusterList,
  CreateCluster,
  ExtendCluster,
  GetClusterQuery,
  KubeconfigQuery,
  ListClustersQuery,
} from "#api/cluster.ts";
import { ClaimConfirmed, ClaimRequest, Credentials } from "#api/credentials.ts";
import { Event } from "#api/event.ts";
import { ClusterId, NodeName } from "#api/name.ts";
import { MetadataQuery, NodeMetadata, PeerReports } from "#api/node-metadata.ts";
import { Report } from "#api/report.ts";
import { UserDataJson, UserDataQuery } from "#api/user-data.ts";
import { IdempotencyKey } from "./clusters.ts";
import { LastEventId } from "./events.ts";
import { machinePaths, providerPaths } from "./openapi-machines.ts";
import { apiToken, bodyProblems, json, nodeToken, refusals } from "./openapi-parts.ts";

const path = z.object({ id: ClusterId });

const createOperation: ZodOpenApiOperationObject = {
  summary: "Ask for a cluster",
  operationId: "createCluster",
  security: apiToken,
  requestParams: { header: z.object({ "Idempotency-Key": IdempotencyKey }) },
  requestBody: { required: true, content: json(CreateCluster) },
  responses: {
    "202": { description: "Planned and stored; its machines are being started", content: json(Cluster) },
    ...refusals(
      ...bodyProblems,
      "name-taken",
      "idempotency-key-reused",
      "no-image",
      "no-capacity",
      "provider-unusable",
    ),
  },
};

const clusterPaths = {
  "/v1/clusters": {
    post: createOperation,
    get: {
      summary: "List clusters, newest first; deleted ones only by state",
      operationId: "listClusters",
      security: apiToken,
      requestParams: { query: ListClustersQuery },
      responses: { "200": { description: "One page", content: json(ClusterList) }, ...refusals("invalid-request") },
    },
  },
  "/v1/clusters/{id}": {
    get: {
      summary: "One cluster with its members; `wait` long-polls",
      operationId: "getCluster",
      security: apiToken,
      requestParams: { path, query: GetClusterQuery },
      responses: {
        "200": { description: "The cluster, whatever its state", content: json(Cluster) },
        ...refusals("invalid-request", "not-found"),
      },
    },
    patch: {
      summary: "Move the end of the cluster's time to live, counted from now",
      operationId: "extendCluster",
      security: apiToken,
      requestParams: { path },
      requestBody: { required: true, content: json(ExtendCluster) },
      responses: {
        "200": { description: "Stored", content: json(Cluster) },
        ...refusals(...bodyProblems, "not-found", "wrong-state"),
      },
    },
    delete: {
      summary: "Wipe the cluster's secrets and end its machines",
      operationId: "deleteCluster",
      security: apiToken,
      requestParams: { path },
      responses: { "202": { description: "On its way", content: json(Cluster) }, ...refusals("not-found") },
    },
  },
  "/v1/clusters/{id}/events": {
    get: {
      summary: "The timeline as server-sent events; ends when the cluster is deleted",
      operationId: "followEvents",
      security: apiToken,
      requestParams: { path, header: z.object({ "Last-Event-ID": LastEventId }) },
      responses: {
        "200": {
          description: "`id` is the event's sequence, `data` is one event as JSON",
          content: { "text/event-stream": { schema: Event } },
        },
        ...refusals("invalid-request", "not-found"),
      },
    },
  },
  "/v1/clusters/{id}/kubeconfig": {
    get: {
      summary: "A short-lived kubeconfig, minted for this request",
      operationId: "issueKubeconfig",
      security: apiToken,
      requestParams: { path, query: KubeconfigQuery },
      responses: {
        "200": { description: "Kubeconfig", content: { "application/yaml": { schema: z.string() } } },
        ...refusals("invalid-request", "not-found", "not-ready"),
      },
    },
  },
  "/v1/clusters/{id}/members/{name}/user-data": {
    post: {
      summary: "User-data for a machine of provider `external`; each answer voids the last one",
      operationId: "issueUserData",
      security: apiToken,
      requestParams: { path: path.extend({ name: NodeName }), query: UserDataQuery },
      responses: {
        "200": {
          description: "With a capability that is kept nowhere: in no store, event or log",
          content: { ...json(UserDataJson), "text/cloud-config": { schema: z.string() } },
        },
        ...refusals("invalid-request", "not-found", "wrong-state", "gone", "provider-unusable"),
      },
    },
  },
} as const;

const auditPaths = {
  "/v1/audit": {
    get: {
      summary: "Who did what, to what, from where; oldest first",
      operationId: "audit",
      security: apiToken,
      requestParams: { query: AuditQuery },
      responses: {
        "200": {
          description: "One page; as application/x-ndjson all entries, one on a line",
          content: { ...json(AuditPage), "application/x-ndjson": { schema: AuditEntry } },
        },
        ...refusals("invalid-request"),
      },
    },
  },
} as const;

const nodePaths = {
  "/node/v1/metadata": {
    get: {
      summary: "The node's document, held until it is final",
      operationId: "nodeMetadata",
      security: nodeToken,
      requestParams: { query: MetadataQuery },
      responses: {
        "200": { description: "Final for this node", content: json(NodeMetadata) },
        ...refusals("invalid-request", "wrong-machine", "already-claimed", "gone", "not-final"),
      },
    },
  },
  "/node/v1/claim": {
    post: {
      summary: "Certificates and keys, for one holder",
      operationId: "claimCredentials",
      security: nodeToken,
      requestBody: { required: true, content: json(ClaimRequest) },
      responses: {
        "200": { description: "The same until confirmed", content: json(Credentials) },
        ...refusals(...bodyProblems, "wrong-machine", "already-claimed", "gone", "not-final"),
      },
    },
  },
  "/node/v1/claim/confirm": {
    post: {
      summary: "Destroy the node's keys here, exchange its capability for a report token",
      operationId: "confirmClaim",
      security: nodeToken,
      requestBody: { required: true, content: json(ClaimRequest) },
      responses: {
        "200": { description: "Confirmed", content: json(ClaimConfirmed) },
        ...refusals(...bodyProblems, "wrong-machine", "already-claimed", "not-ready", "gone"),
      },
    },
  },
  "/node/v1/reports": {
    post: {
      summary: "One step's start or end",
      operationId: "report",
      security: nodeToken,
      requestBody: { required: true, content: json(Report) },
      responses: {
        "204": { description: "Stored, or known already" },
        ...refusals(...bodyProblems, "wrong-machine", "already-claimed"),
      },
    },
  },
  "/node/v1/peers": {
    get: {
      summary: "What was last heard of every peer; first control plane only",
      operationId: "peers",
      security: nodeToken,
      responses: { "200": { description: "Every peer", content: json(PeerReports) }, ...refusals("wrong-machine") },
    },
  },
} as const;

export const createOpenApiDocument = () =>
  createDocument({
    openapi: "3.1.1",
    info: { title: "Sprout metadata server", version: "1", license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths: { ...clusterPaths, ...machinePaths, ...providerPaths, ...auditPaths, ...nodePaths },
    components: {
      securitySchemes: {
        apiToken: { type: "http", scheme: "bearer", description: "The server's API token" },
        nodeToken: { type: "http", scheme: "bearer", description: "A node's capability, or its report token" },
      },
    },
  });
