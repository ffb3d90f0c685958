/**
 * `bare`: nothing is in it but Debian's packages, and nobody logs in. `cloud`: the root of a cloud's instance, with a kernel,
 * a network, users and a boot of its own, which stay.
 */
export type RootKind = "bare" | "cloud";

/** Units that only cost time on a machine with one purpose. */
const maskedUnits: readonly string[] = [
  "apt-daily-upgrade.timer",
  "apt-daily.timer",
  "console-getty.service",
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty.target",
  "getty@.service",
  "proc-sys-fs-binfmt_misc.automount",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-ask-password-console.path",
  "systemd-ask-password-wall.path",
  "systemd-binfmt.service",
  "systemd-firstboot.service",
  "systemd-initctl.socket",
  "systemd-journal-flush.service",
  "systemd-logind.service",
  "systemd-pcrphase-sysinit.service",
  "systemd-pcrphase.service",
  "systemd-pstore.service",
  "systemd-repart.service",
  "systemd-sysusers.service",
  "systemd-update-utmp-runlevel.service",
  "systemd-update-utmp.service",
  "systemd-user-sessions.service",
];

/** Each is a program run before any unit; there are no such disks, consoles, init scripts or commands of the kernel's line. */
const maskedGenerators: readonly string[] = [
  "systemd-cryptsetup-generator",
  "systemd-getty-generator",
  "systemd-gpt-auto-generator",
  "systemd-hibernate-resume-generator",
  "systemd-integritysetup-generator",
  "systemd-rc-local-generator",
  "systemd-run-generator",
  "systemd-system-update-generator",
  "systemd-sysv-generator",
  "systemd-veritysetup-generator",
];

/** How people come in, by SSH or by a cloud's serial console. */
const logins: readonly string[] = [
  "getty.target",
  "getty@.service",
  "systemd-getty-generator",
  "systemd-logind.service",
  "systemd-user-sessions.service",
];

/** What Debian's cloud images add: machines that live for hours get updates by a new image. */
const ofCloudImages: readonly string[] = ["unattended-upgrades.service", "man-db.timer"];

const isKept = (name: string) => logins.includes(name);

export function listMasked(kind: RootKind): { units: readonly string[]; generators: readonly string[] } {
  if (kind === "bare") return { units: maskedUnits, generators: maskedGenerators };
  return {
    units: [...maskedUnits.filter((name) => !isKept(name)), ...ofCloudImages],
    generators: maskedGenerators.filter((name) => !isKept(name)),
  };
}
