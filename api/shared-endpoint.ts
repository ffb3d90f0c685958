interface Endpoint {
  hasExternalEndpoint?: true | undefined;
  virtualAddress?: string | undefined;
}

/** Whether the endpoint leads all nodes to any control plane, those that come later included. */
export const hasSharedEndpoint = ({ hasExternalEndpoint, virtualAddress }: Endpoint): boolean =>
  hasExternalEndpoint === true || virtualAddress !== undefined;
