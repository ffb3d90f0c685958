/** What schemathesis does not check of an operation, and why. */
export interface LeftOut {
  operation: string;
  /** `all` leaves the operation out. */
  check?: "positive_data_acceptance" | "all";
  /** Values that are always sent in place of made-up ones. */
  parameters?: Readonly<Record<string, number>>;
  reason: string;
}

const accepted = "positive_data_acceptance";

/** Every entry is printed by `npm run fuzz`. All other checks run on all operations. */
export const leftOut: readonly LeftOut[] = [
  {
    operation: "POST /v1/clusters",
    check: accepted,
    reason: "which versions there are, whether subnets overlap and what a manifest holds is in no schema",
  },
  {
    operation: "POST /v1/clusters/{id}/members",
    check: accepted,
    reason: "which provider the cluster has, and for how many nodes there is room, is in no schema",
  },
  {
    operation: "GET /v1/machines/explain",
    check: accepted,
    reason: "OpenAPI cannot say that exactly one of its three parameters is wanted",
  },
  {
    operation: "GET /v1/machines",
    check: accepted,
    reason: "no pattern in the common subset leaves out the zero MAC address",
  },
  {
    operation: "POST /v1/machines",
    check: accepted,
    reason: "an interface is one of its own MAC addresses, and a MAC address is one machine's alone",
  },
  {
    operation: "PATCH /v1/machines/{id}",
    check: accepted,
    reason: "an interface is one of the machine's MAC addresses, which are another machine's else",
  },
  {
    operation: "POST /v1/machines/import",
    check: accepted,
    reason: "as POST /v1/machines; and a CSV's columns depend on its headings",
  },
  {
    operation: "POST /v1/machines/{id}/power",
    check: "all",
    reason: "the server would connect to any controller's address that is made up",
  },
  {
    operation: "GET /v1/clusters/{id}/events",
    check: "all",
    reason: "the stream of an existing cluster does not end",
  },
  {
    operation: "GET /v1/clusters/{id}",
    parameters: { "query.timeout": 1 },
    reason: "the server would hold a request for up to five minutes",
  },
];
