import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { whyNoMachines } from "../lab/lab.ts";
import { type AssetsBench, benchAssets } from "./assets/bench.ts";
import { benchBoot, type BootBench } from "./boot/bench.ts";
import { benchBringUp, type BringUpBench } from "./bring-up.ts";
import { inSeconds, printBringUp } from "./print-bring-up.ts";
import { benchCredentials, type CredentialsBench } from "./credentials.ts";
import { benchChurn, type ChurnBench } from "./churn/bench.ts";
import { benchCreation, type CreationBench } from "./creation/bench.ts";
import { benchEc2, type Ec2Bench } from "./ec2/bench.ts";
import { benchEc2Instance, type Ec2InstanceBench, instanceMilestones } from "./ec2/instance.ts";
import type { FloodBench } from "./flood/bench.ts";
import { printFlood } from "./flood/print.ts";
import { benchMetadata, type MetadataBench } from "./metadata/bench.ts";
import type { LoadRun } from "./http-load.ts";
import { benchPowerOn, milestones, type PowerOnBench } from "./power-on.ts";
import { benchSeeds, type SeedsBench } from "./seeds/bench.ts";
import { benchTopology, printTopology, type TopologyBench } from "./topology.ts";
import { readOptions } from "../script-options.ts";

const benches =
  "bring-up,topology,power-on,credentials,metadata,creation,churn,boot,seeds,assets,ec2,ec2-instance,flood";

const help = `Usage: npm run bench -- [--only PART,…] [--rounds N]

Measures Sprout, and in the same run what it is compared with: kubeadm by hand, openssl, bare Hono and nginx. Prints the
figures and writes them to dist/bench.json. Measure on an idle machine; docs/performance.md has earlier figures.

Options:
  --only PART,…  only these parts: ${benches.replaceAll(",", ", ")}
  --rounds N     how often bring-up, topology, power-on and ec2-instance are measured (3)

Takes from seconds (credentials) to many minutes (power-on, which emulates a machine) for each part. Parts with real machines
need root on Debian 12 or 13, and are left out elsewhere.

Installs first, as root, the Debian packages that this host lacks (images/host-setup.sh bench), wrk and nginx among them.
An image is baked if it is missing: minutes, once.
`;

const values = readOptions(help, {
  only: { type: "string", default: benches },
  rounds: { type: "string", default: "3" },
});
const chosen = new Set(values.only.split(","));
const rounds = Number(values.rounds);
const onProgress = (text: string) => process.stderr.write(`  ${text}\n`);
const print = (line = "") => process.stdout.write(`${line}\n`);
const inMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const inCalls = (calls: Record<string, number>) =>
  Object.entries(calls)
    .map(([action, count]) => `${action} ${count.toFixed(2)}`)
    .join(", ");

const results: {
  bringUp?: BringUpBench;
  topology?: TopologyBench;
  powerOn?: PowerOnBench;
  credentials?: CredentialsBench;
  metadata?: MetadataBench;
  creation?: CreationBench;
  churn?: ChurnBench;
  boot?: BootBench;
  seeds?: SeedsBench;
  assets?: AssetsBench;
  ec2?: Ec2Bench;
  ec2Instance?: Ec2InstanceBench;
  flood?: FloodBench;
} = {};

const noMachines = whyNoMachines();
if (chosen.has("bring-up") && noMachines !== null) print(`Bring-up: left out, ${noMachines}`);
else if (chosen.has("bring-up")) {
  const bench = await benchBringUp({ rounds, onProgress });
  results.bringUp = bench;
  printBringUp(bench, print);
}

if (chosen.has("topology") && noMachines !== null) print(`Topology: left out, ${noMachines}`);
else if (chosen.has("topology")) {
  results.topology = await benchTopology({ rounds, onProgress });
  printTopology(results.topology, print);
}

if (chosen.has("power-on") && noMachines !== null) print(`Power-on: left out, ${noMachines}`);
else if (chosen.has("power-on")) {
  const bench = await benchPowerOn({ rounds, onProgress });
  results.powerOn = bench;
  print(
    "\nPower-on: a machine without a disk in QEMU (emulated, BIOS, iPXE), its control plane up before, median (each run)",
  );
  for (const [name, what] of Object.entries(milestones))
    print(`  ${what.padEnd(36)}${inSeconds(bench.runs.map((run) => run[name as keyof typeof run]))}`);
  print(`  goal ${bench.goalSeconds} s`);
}

if (chosen.has("credentials")) {
  onProgress("credentials");
  const bench = await benchCredentials();
  results.credentials = bench;
  const { sprout, kubeadm, kubeadmP256, openssl } = bench;
  print("\nCredentials, median");
  print(
    `  Sprout, ${sprout.controlPlanes} + ${sprout.workers}, ${sprout.certificates} certificates  ${sprout.seconds.toFixed(2)} s, ${sprout.certificateMs.toFixed(3)} ms each   goal ${bench.goalSeconds} s`,
  );
  for (const [name, one] of [
    ["kubeadm, RSA as it comes", kubeadm],
    ["kubeadm, P-256", kubeadmP256],
  ] as const)
    print(
      one === null
        ? `  ${name}: left out, there is no kubeadm`
        : `  ${name}, 1 control plane: ${one.seconds.toFixed(2)} s, ${one.certificateMs.toFixed(1)} ms each`,
    );
  print(`  openssl, P-256: ${openssl.certificateMs.toFixed(1)} ms each`);
}

if (chosen.has("metadata")) {
  const bench = await benchMetadata({ sizes: [10, 5000, 100_000], tlsMembers: 5000, secondsPerRun: 5, onProgress });
  results.metadata = bench;
  print("\nMetadata, every request on a new connection, 256 at a time, plain HTTP, median");
  for (const { members, ...compared } of bench.sizes)
    printBesideBare(`${String(members).padStart(6)} members`, compared);
  for (const { connections, ...compared } of bench.tls) printBesideBare(`TLS, ${connections} connections`, compared);
  print(`  goal: ratio ${bench.goalRatio}, p99 ${bench.goalP99Ms} ms`);
}

if (chosen.has("creation")) {
  const bench = await benchCreation(onProgress);
  results.creation = bench;
  print(
    `\nCreation: ${bench.clusters} clusters of ${bench.nodes}, ${bench.atOnce} requests at a time, over TLS, on disk`,
  );
  for (const [name, one] of [
    ["SQLite", bench.sqlite],
    ["Redis ", bench.redis],
  ] as const)
    print(
      `  ${name}  ${one.seconds.toFixed(2)} s, p50 ${one.p50Ms.toFixed(0)} ms, p99 ${one.p99Ms.toFixed(0)} ms   goal ${bench.goalSeconds} s`,
    );
}

if (chosen.has("churn")) {
  const bench = await benchChurn(onProgress);
  results.churn = bench;
  const { clustersPerDay, nodes, ttlSeconds, retentionSeconds, auditEntries } = bench.settings;
  print(
    `\nChurn (simulated clock and machines): ${clustersPerDay} clusters of ${nodes} a day, alive ${ttlSeconds} s, kept ${retentionSeconds} s, ${auditEntries} audit entries`,
  );
  for (const { hour, heapBytes, fileBytes, clustersKept } of bench.hours)
    print(`  hour ${hour}: heap ${inMegabytes(heapBytes)}, file ${inMegabytes(fileBytes)}, ${clustersKept} clusters`);
}

if (chosen.has("boot")) {
  const bench = await benchBoot({ sizes: [10, 1000, 100_000], secondsPerRun: 5, onProgress });
  results.boot = bench;
  print("\nBoot scripts, every request on a new connection, 256 at a time, plain HTTP, median");
  printSizes(bench);
}

if (chosen.has("seeds")) {
  const bench = await benchSeeds({ sizes: [10, 1000, 100_000], secondsPerRun: 5, onProgress });
  results.seeds = bench;
  print(
    `\nSeeds (NoCloud, ${bench.filesPerSeed} requests each), every request on a new connection, 256 at a time, median`,
  );
  printSizes(bench);
}

if (chosen.has("assets") && noMachines !== null) print(`Assets: left out, ${noMachines}`);
else if (chosen.has("assets")) {
  const bench = await benchAssets(onProgress);
  results.assets = bench;
  print(
    `\nAssets: ${inMegabytes(bench.sizeBytes)} to ${bench.clients} clients at once, ${bench.linkGigabits} Gbit/s, median`,
  );
  for (const [name, { gigabitsPerSecond, cpuSeconds }] of [
    ["Sprout", bench.sprout],
    ["nginx ", bench.nginx],
  ] as const)
    print(`  ${name}  ${gigabitsPerSecond.toFixed(2)} Gbit/s, ${cpuSeconds.toFixed(2)} s of processor time`);
  print(`  ratio   ${bench.ratio.toFixed(2)}   goal ${bench.goalRatio}`);
}

if (chosen.has("ec2")) {
  const bench = await benchEc2(onProgress);
  results.ec2 = bench;
  const { launched, deletion } = bench;
  print(
    `\nEC2 (a fake endpoint with the documented rates): ${bench.clusters} clusters of ${bench.nodes} asked for at once`,
  );
  print(
    `  launched   ${launched.clusters} clusters, ${launched.instances} instances, ${launched.doubled} doubled, in ${launched.seconds.toFixed(0)} s   (no sooner than ${bench.leastSeconds.toFixed(0)} s)`,
  );
  print(`  source/destination checks off after ${bench.routingSeconds.toFixed(0)} s`);
  print(`  calls for each cluster: ${inCalls(bench.callsPerCluster)}`);
  print(
    `  deleted in ${deletion.seconds.toFixed(0)} s, ${deletion.left} left; calls for each: ${inCalls(deletion.callsPerCluster)}`,
  );
}

if (chosen.has("ec2-instance") && noMachines !== null) print(`EC2 instance: left out, ${noMachines}`);
else if (chosen.has("ec2-instance")) {
  const bench = await benchEc2Instance({ rounds, onProgress });
  results.ec2Instance = bench;
  print("\nEC2 instance: a control plane alone, from POST, in nspawn machines both times, median (each run)");
  for (const [name, what] of Object.entries(instanceMilestones))
    for (const [provider, times] of [
      ["ec2   ", bench.instance],
      ["nspawn", bench.nspawn],
    ] as const)
      print(`  ${what.padEnd(22)}${provider}  ${inSeconds(times.map((one) => one[name as keyof typeof one]))}`);
  print(`  ratio                         ${bench.ratio.toFixed(2)}   goal ${bench.goalRatio}`);
}

if (chosen.has("flood")) results.flood = await printFlood({ onProgress, print });

const file = join(import.meta.dirname, "../../dist/bench.json");
await mkdir(join(file, ".."), { recursive: true });
await writeFile(
  file,
  `${JSON.stringify({ at: new Date().toISOString(), cpus: cpus().map(({ model }) => model), load: loadavg(), ...results }, null, 2)}\n`,
);
print(`\nWritten to dist/bench.json`);

function printSizes({ sizes, goalRatio, goalP99Ms }: BootBench | SeedsBench): void {
  for (const { size, ...compared } of sizes) printBesideBare(`${String(size).padStart(6)} machines`, compared);
  print(`  goal: ratio ${goalRatio}, p99 ${goalP99Ms} ms`);
}

function printBesideBare(name: string, { sprout, bare, ratio }: { sprout: LoadRun; bare: LoadRun; ratio: number }) {
  print(`  ${name}: ${inWords(sprout)}; bare Hono ${inWords(bare)}; ratio ${ratio.toFixed(2)}`);
}

function inWords({ requestsPerSecond, p99Ms, cpuMicroseconds }: LoadRun): string {
  return `${requestsPerSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(0)} ms, ${cpuMicroseconds.toFixed(0)} µs of processor time each`;
}
