/** What this machine remembers of its bring-up, mode 0700. `reset` removes it last. */
export const nodeFolder = "/var/lib/sprout/node";

/** The allocation that owns this machine. It is durable before any other file is rendered. */
export const allocationFile = `${nodeFolder}/allocation.json`;
export const journalFile = `${nodeFolder}/journal.jsonl`;
/** Exists from the claim until this node is done: after a crash the steps need it again. */
export const credentialsFile = `${nodeFolder}/credentials.json`;
export const reportTokenFile = `${nodeFolder}/report-token`;
/** Exists while a reset is at work. */
export const resetFile = `${nodeFolder}/reset`;

export const nodeFiles = [allocationFile, journalFile, credentialsFile, reportTokenFile, resetFile];

export const toReset = "run sprout-bootstrap reset to give this machine back as it was imaged";
