/** What this machine remembers of its own bring-up, mode 0700; `reset` removes it last. */
export const nodeFolder = "/var/lib/sprout/node";

/** Whose machine this is: written before anything else is, and durable before anything is rendered. */
export const allocationFile = `${nodeFolder}/allocation.json`;
export const journalFile = `${nodeFolder}/journal.jsonl`;
/** From the claim until this node is done: its steps need them again after a crash. */
export const credentialsFile = `${nodeFolder}/credentials.json`;
export const reportTokenFile = `${nodeFolder}/report-token`;
/** There from the start of a reset to its end. */
export const resetFile = `${nodeFolder}/reset`;

export const nodeFiles = [allocationFile, journalFile, credentialsFile, reportTokenFile, resetFile];

export const toReset = "run sprout-bootstrap reset to give this machine back as it was imaged";
