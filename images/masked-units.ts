/**
 * `bare`: only Debian's packages, and no logins. `cloud`: the root of a cloud instance, which keeps its kernel,
 * network, users and boot loader.
 */
export type RootKind = "bare" | "cloud";

/** Units of systemd 252 (Debian 12) to 257 (Debian 13) that only cost time on a machine with one purpose. */
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
  // With Debian's configuration; Sprout's has a unit of its own.
  "haproxy.service",
  "keepalived.service",
  // At the first boot these repeat work of the bake: linker cache, journal catalog and the mark that both are done.
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
  // systemd-tmpfiles-setup-dev.service runs the same program right after it.
  "systemd-tmpfiles-setup-dev-early.service",
  "systemd-tpm2-setup-early.service",
  "systemd-tpm2-setup.service",
  "systemd-update-done.service",
  "systemd-update-utmp-runlevel.service",
  "systemd-update-utmp.service",
  "systemd-user-sessions.service",
];

/**
 * systemd runs each generator before any unit. These look for disks, mounts, consoles, init scripts or kernel options
 * that no machine has.
 */
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

/** Units that a cloud's root needs: its mounts, its name, and logins by SSH or serial console. */
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

/** Units that Debian's cloud images add. Machines that live for hours get updates by a new image. */
const ofCloudImages: readonly string[] = ["unattended-upgrades.service", "man-db.timer"];

const isKept = (name: string) => keptInClouds.includes(name);

export function listMasked(kind: RootKind): { units: readonly string[]; generators: readonly string[] } {
  if (kind === "bare") return { units: maskedUnits, generators: maskedGenerators };
  return {
    units: [...maskedUnits.filter((name) => !isKept(name)), ...ofCloudImages],
    generators: maskedGenerators.filter((name) => !isKept(name)),
  };
}
