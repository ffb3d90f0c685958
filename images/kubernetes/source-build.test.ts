import { describe, expect, it } from "vitest";
import { parseUpstreamVersion } from "./source-build.ts";
import { stampVersion, toOpenApiPackages } from "./source-repairs.ts";

describe("parseUpstreamVersion", () => {
  it.each([
    ["kubernetes_1.20.5+really1.20.2.orig.tar.gz", "v1.20.2"],
    ["kubernetes_1.20.2.orig.tar.xz", "v1.20.2"],
    ["kubernetes_1.33.4+ds.orig.tar.xz", "v1.33.4"],
    ["golang_1.19.orig.tar.gz", null],
    ["", null],
  ])("finds in %o the version %o", (archive, version) => {
    expect(parseUpstreamVersion(archive)).toBe(version);
  });
});

it("toOpenApiPackages knows staged packages by their vendored names, once each and without tests", () => {
  const files = [
    "staging/src/k8s.io/api/core/v1/doc.go",
    "staging/src/k8s.io/api/core/v1/types.go",
    "staging/src/k8s.io/code-generator/examples/types.go",
    "pkg/apis/core/types.go",
    "pkg/generated/openapi/zz_generated.openapi.go",
    "vendor/k8s.io/kube-openapi/test/integration/doc.go",
  ];
  expect(toOpenApiPackages(files)).toEqual([
    "k8s.io/kubernetes/pkg/apis/core",
    "k8s.io/kubernetes/vendor/k8s.io/api/core/v1",
  ]);
});

it("stampVersion stamps both packages that print a version, through the vendor path", () => {
  const flags = stampVersion("v1.20.2").split(" -X ");
  expect(flags[0]).toBe("-s -w");
  expect(flags.slice(1)).toEqual(
    ["component-base/version", "client-go/pkg/version"].flatMap((name) => [
      `k8s.io/kubernetes/vendor/k8s.io/${name}.gitVersion=v1.20.2`,
      `k8s.io/kubernetes/vendor/k8s.io/${name}.gitMajor=1`,
      `k8s.io/kubernetes/vendor/k8s.io/${name}.gitMinor=20`,
      `k8s.io/kubernetes/vendor/k8s.io/${name}.gitTreeState=clean`,
    ]),
  );
});
