/**
 * `bare`: nothing is in it but Debian's packages, and nobody logs in. `cloud`: the root of a cloud's instance, with a kernel,
 * a network, users and a boot of its own, which stay.
 */
export type RootKind = "bare" | "cloud";

/** Units that only cost time on a machine with one purpose: of systemd 252 (Debian 12) to 257 (Debian 13). */
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
  // At a first boot it makes again what the bake has made; so do the updates of the journal's catalog and their end.
  "ldconfig.service",
  "proc-sys-fs-binfmt_misc.automount",
  "run-lock.mount",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-ask-password-console.path",
  "systemd-ask-password-wall.path",
  "systemd-binfmt.service",
  "systemd-creds.socket",
  "systemd-firstboot.service",
  "systemd-hibernate-clear.service",
  "systemd-hostnamed.socket",
  "systemd-initctl.socket",
  "systemd-journal-catalog-update.service",
  "systemd-journal-flush.service",
  "systemd-logind.service",
  "systemd-pcrextend.socket",
  "systemd-pcrlock.socket",
  "systemd-pcrmachine.service",
  "systemd-pcrphase-sysinit.service",
  "systemd-pcrphase.service",
  "systemd-pstore.service",
  "systemd-remount-fs.service",
  "systemd-repart.service",
  "systemd-sysext.socket",
  "systemd-sysusers.service",
  // The same program runs again right after it, as systemd-tmpfiles-setup-dev.service.
  "systemd-tmpfiles-setup-dev-early.service",
  "systemd-tpm2-setup-early.service",
  "systemd-tpm2-setup.service",
  "systemd-update-done.service",
  "systemd-update-utmp-runlevel.service",
  "systemd-update-utmp.service",
  "systemd-user-sessions.service",
];

/** Each is a program run before any unit; there are no such disks, mounts, consoles, init scripts or commands of the kernel's line. */
const maskedGenerators: readonly string[] = [
  "systemd-cryptsetup-generator",
  "systemd-debug-generator",
  "systemd-fstab-generator",
  "systemd-getty-generator",
  "systemd-gpt-auto-generator",
  "systemd-hibernate-resume-generator",
  "systemd-integritysetup-generator",
  "systemd-rc-local-generator",
  "systemd-run-generator",
  "systemd-ssh-generator",
  "systemd-system-update-generator",
  "systemd-sysv-generator",
  "systemd-tpm2-generator",
  "systemd-veritysetup-generator",
];

/** What a cloud's root has use for: its own mounts and name, and how people come in, by SSH or by a serial console. */
const keptInClouds: readonly string[] = [
  "getty.target",
  "getty@.service",
  "run-lock.mount",
  "systemd-debug-generator",
  "systemd-fstab-generator",
  "systemd-getty-generator",
  "systemd-hostnamed.socket",
  "systemd-logind.service",
  "systemd-remount-fs.service",
  "systemd-user-sessions.service",
];

/** What Debian's cloud images add: machines that live for hours get updates by a new image. */
const ofCloudImages: readonly string[] = ["unattended-upgrades.service", "man-db.timer"];

const isKept = (name: string) => keptInClouds.includes(name);

export function listMasked(kind: RootKind): { units: readonly string[]; generators: readonly string[] } {
  if (kind === "bare") return { units: maskedUnits, generators: maskedGenerators };
  return {
    units: [...maskedUnits.filter((name) => !isKept(name)), ...ofCloudImages],
    generators: maskedGenerators.filter((name) => !isKept(name)),
  };
}
