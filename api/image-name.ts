import { DnsLabel } from "./name.ts";

export const ImageName = DnsLabel.max(32, "a name of at most 32 characters").meta({
  id: "ImageName",
  description: "An image of the cluster's Kubernetes version that has this name (`sprout image bake --name`)",
});
