import { chmod, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { templatesFolder } from "../../templates/folder.ts";

const images = ["registry.k8s.io/pause:3.10.2", `registry.k8s.io/kube-proxy:${defaultKubernetesVersion}`];

/** Stands in for a real program: records its arguments, and does the least that the next step checks. */
const fakePrograms = {
  ctr: `case "$*" in
  *plugins*) echo "io.containerd.grpc.v1 cri linux/amd64 ok";;
  *"containers ls"*) cat "$ROOT/containers" 2> /dev/null || :;;
  *"containers delete"*) for id; do :; done; sed -i "/^$id/d" "$ROOT/containers";;
  *"tasks ls"*) cat "$ROOT/tasks" 2> /dev/null || :;;
  *"tasks kill"*) for id; do :; done; sed -i "/^$id/d" "$ROOT/tasks";;
  *tasks*) echo "$@" >> "$ROOT/ctr.log";;
  *) printf '%s\\n' ${images.join(" ")};;
esac`,
  kubeadm: `echo "$@" >> "$ROOT/kubeadm.log"
if [ "$1" = join ]; then . "$ROOT/bin/kubeadm-join"; else
[ ! -e "$ROOT/phase-fault" ] || . "$ROOT/phase-fault"
mkdir -p "$ROOT/etc/kubernetes/manifests"
touch "$ROOT/etc/kubernetes/manifests/kube-controller-manager.yaml" "$ROOT/etc/kubernetes/manifests/kube-scheduler.yaml"
fi`,
  kubectl: `echo "$@" >> "$ROOT/kubectl.log"
[ ! -e "$ROOT/apply-fault" ] || . "$ROOT/apply-fault"`,
  systemctl: `[ "$1" != is-system-running ] || { echo running; exit 0; }
echo "$@" >> "$ROOT/systemctl.log"
mkdir -p "$ROOT/run/fake-units"
for unit; do :; done
case "$1" in
  start) touch "$ROOT/run/fake-units/$unit";;
  stop) shift
    for unit; do
      rm -f "$ROOT/run/fake-units/$unit"
      [ ! -e "$ROOT/$unit.pid" ] || kill -TERM "$(cat "$ROOT/$unit.pid")"
      while [ -e "$ROOT/$unit.pid" ]; do sleep 0.05; done
    done;;
  is-active) test -e "$ROOT/run/fake-units/$unit";;
esac`,
  ip: `echo "$@" >> "$ROOT/ip.log"`,
  umount: `echo "$@" >> "$ROOT/umount.log"`,
  "iptables-save": `cat "$ROOT/iptables.saved" 2> /dev/null || :`,
  "iptables-restore": `cat > "$ROOT/iptables.saved"`,
  "ip6tables-save": `:`,
  iptables: `table=$4 operation=$5
shift 5
case "$operation" in
  -C) grep -qxF -e "$table $*" "$ROOT/iptables.rules" 2> /dev/null;;
  *) echo "$table $*" >> "$ROOT/iptables.rules";;
esac`,
};

// Reuses the bootstrap certificate for kubelet: the fake API server asks for none.
const fakeJoin = `[ ! -e "$ROOT/join-fault" ] || . "$ROOT/join-fault"
cd "$ROOT/etc/kubernetes"
for file in kubelet.conf bootstrap-kubelet.conf pki/ca.crt; do
  [ ! -e $file ] || { echo "[ERROR FileAvailable--etc-kubernetes-$file]: /etc/kubernetes/$file already exists" >&2; exit 1; }
done
mkdir -p pki "$ROOT/var/lib/kubelet/pki"
touch pki/ca.crt
sed -n 's/ *client-[a-z]*-data: //p' discovery.conf | while read -r data; do echo "$data" | base64 -d; done > "$ROOT/kubelet-client.pem"
mv "$ROOT/kubelet-client.pem" "$ROOT/var/lib/kubelet/pki/kubelet-client-current.pem"
echo "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem" > kubelet.conf`;

/** Kills the bootstrapper that called it, once, if `kill-STAGE/PROGRAM` names a part of its arguments. */
const killable = (name: string, stage: "before" | "after") => `status=$? file="$ROOT/kill-${stage}/${name}"
if [ -e "$file" ]; then
  part=$(cat "$file")
  case "$called" in *"$part"*) rm "$file"; kill -9 $PPID;${stage === "before" ? " exit 1;" : ""}; esac
fi${stage === "after" ? "\nexit $status" : ""}`;

export interface SimulatedRoot {
  mac: string;
  seed: object;
}

/** The root folder of a simulated machine: the files that the bootstrapper reads, and fake programs in bin/. */
export async function writeSimulatedRoot(root: string, { mac, seed }: SimulatedRoot): Promise<void> {
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const [name, body] of Object.entries(fakePrograms)) {
    const text = `#!/bin/sh\nROOT=${root} called="$*"\n${killable(name, "before")}\n${body}\n${killable(name, "after")}\n`;
    await write(`bin/${name}`, text);
    await chmod(join(root, "bin", name), 0o755);
  }
  await write("bin/kubeadm-join", fakeJoin);
  await write("etc/sprout/seed.json", JSON.stringify(seed));
  await write("sys/class/net/eth0/address", `${mac}\n`);
  await write("run/systemd/container", "systemd-nspawn\n");
  await write("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
  await write("proc/swaps", "Filename\tType\n");
  await write("proc/sys/net/ipv4/ip_forward", "1\n");
  await write("proc/sys/kernel/random/boot_id", "boot-1\n");
  await write("proc/self/mountinfo", "");
  await write("etc/hosts", "127.0.0.1 localhost\n");
  const manifest = { kubernetesVersion: defaultKubernetesVersion, containerImages: images.map((ref) => ({ ref })) };
  await write("usr/share/sprout/manifest.json", JSON.stringify(manifest));
  await cp(templatesFolder, join(root, "usr/share/sprout/templates"), {
    recursive: true,
    filter: (source) => !source.endsWith(".ts"),
  });
}

/** The search path of a simulated machine: fakes before the host's programs. */
export const simulatedEnvironment = (root: string) => ({ PATH: `${join(root, "bin")}:/usr/bin:/bin` });

/** A reboot: no process runs, the kernel's state is gone, the monotonic clock starts again. */
export async function rebootSimulatedRoot(root: string, bootId: string): Promise<void> {
  await rm(join(root, "run/fake-units"), { recursive: true, force: true, maxRetries: 10 });
  await rm(join(root, "iptables.rules"), { force: true });
  await writeFile(join(root, "proc/sys/kernel/random/boot_id"), `${bootId}\n`);
}
