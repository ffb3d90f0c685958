import type { Command } from "commander";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { findHostSources } from "../../images/debian/sources.ts";
import { minimumGo } from "../../images/go/ensure-go.ts";
import { findGo } from "../../images/go/go-toolchain.ts";
import { officialReleaseUrl } from "../../images/kubernetes/release.ts";
import { probeUrl } from "../../images/transfer.ts";
import { run } from "#lib/run.ts";
import { writeJson, styleOf } from "../context.ts";
import { printable } from "../display/printable.ts";
import { exitCodes } from "../exit-code.ts";
import type { DefineCommand } from "../commands.ts";
import { collectFacts } from "./collect.ts";
import { evaluate, isAble } from "./evaluate.ts";
import { renderFindings } from "./render.ts";

interface DoctorFlags {
  cacheDir: string;
  json?: boolean;
}

/**
 * `sprout doctor`: checks whether this host can run the demo, and says how to fix it. Needs neither root nor a server.
 */
export const defineDoctor: DefineCommand = (doctor, context, end) => {
  doctor
    .option("--cache-dir <DIR>", "folder of downloads and builds that are reused", context.environment.cacheDir)
    .action(async (_flags, command: Command) => {
      const { cacheDir, json } = command.optsWithGlobals<DoctorFlags>();
      const { environment, signal, stdout } = context;
      const kubernetesVersion = defaultKubernetesVersion;
      const facts = await collectFacts(
        {
          root: "/",
          cacheDir,
          searchPath: environment.searchPath,
          go: environment.go,
          isRoot: process.getuid?.() === 0,
          officialSiteUrl: `${officialReleaseUrl}/${kubernetesVersion}/bin/linux/${hostArchitecture().debian}/kubeadm.sha256`,
          registryUrl: "https://registry.k8s.io/v2/",
          kubernetesVersion,
          limitMs: 5000,
          signal,
        },
        { run, probeUrl, findGo, findHostSources },
      );
      const findings = evaluate(facts, { kubernetesVersion, go: minimumGo }).map((finding) => ({
        ...finding,
        // Holds text of other programs.
        text: printable(finding.text),
      }));
      if (json) writeJson(context, { able: isAble(findings), findings });
      else stdout.write(renderFindings(findings, { columns: stdout.columns ?? 80, style: styleOf(context, stdout) }));
      end(isAble(findings) ? exitCodes.ok : exitCodes.failed);
    });
};
