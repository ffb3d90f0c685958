import type { Command } from "commander";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { hostArchitecture } from "../../../images/architecture.ts";
import { findHostSources } from "../../../images/debian/sources.ts";
import { minimumGo } from "../../../images/go/ensure-go.ts";
import { findGo } from "../../../images/go/go-toolchain.ts";
import { officialReleaseUrl } from "../../../images/kubernetes/release.ts";
import { probeUrl } from "../../../images/transfer.ts";
import { run } from "../../run.ts";
import { writeJson } from "../clusters/command.ts";
import { styleOf } from "../context.ts";
import { printable } from "../display/printable.ts";
import { exitCodes } from "../exit-code.ts";
import type { AddCommands } from "../program.ts";
import { collectFacts } from "./collect.ts";
import { evaluate, isAble } from "./evaluate.ts";
import { renderFindings } from "./render.ts";

interface DoctorFlags {
  cacheDir: string;
  json?: boolean;
}

/** `sprout doctor`: whether this host can run the demo, and what to do if it cannot. Needs neither root nor a server. */
export const addDoctorCommand: AddCommands = (program, context, end) => {
  program
    .command("doctor")
    .description("say what this host can do, and what it lacks for the demo (exit code 1)")
    .option("--cache-dir <DIR>", "what is fetched or built once", context.environment.cacheDir)
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
        // What other programs said of themselves.
        text: printable(finding.text),
      }));
      if (json) writeJson(context, { able: isAble(findings), findings });
      else stdout.write(renderFindings(findings, { columns: stdout.columns ?? 80, style: styleOf(context, stdout) }));
      end(isAble(findings) ? exitCodes.ok : exitCodes.failed);
    });
};
