import { isTransientStatus } from "#lib/transient-errors.ts";
import type { RedfishAnswer } from "./connection.ts";
import { readMessages } from "./controller-words.ts";

/** Message IDs, without registry and version, of a controller that cannot do anything now (DSP8011; Dell's SWC0700). */
const notReadyIds = ["ServiceTemporarilyUnavailable", "ServiceInUnknownState", "ServiceShuttingDown", "SWC0700"];

/** Message IDs of a controller whose few sessions are all in use (DSP8011; Dell's RAC0218). */
const noSessionIds = ["SessionLimitExceeded", "CreateLimitReachedForResource", "RAC0218"];

/** Such a message under another ID. */
const noSessionWords =
  /\b(maximum|limit|too many|no (?:free|more))\b.*\bsessions?\b|\bsessions?\b.*\b(maximum|limit|exceeded|exhausted)\b/i;
/** Words of a refused password, which must not be sent again. */
const wrongPasswordWords = /\b(attempts?|passwords?|credentials?|lock\w*|invalid)\b/i;

/** Whether the controller says that it has no free session. */
export const saysNoSession = ({ body }: RedfishAnswer): boolean =>
  readMessages(body).some(
    ({ key, text }) => noSessionIds.includes(key) || (noSessionWords.test(text) && !wrongPasswordWords.test(text)),
  );

/** Whether the controller says, with any status, that it is not ready. */
const saysNotReady = ({ body }: RedfishAnswer) => readMessages(body).some(({ key }) => notReadyIds.includes(key));

/** A `Retry-After` promises that the same request may succeed later; 401 and 403 are about the user. */
const asksToRetry = ({ status, headers }: RedfishAnswer) =>
  status >= 400 && status < 500 && ![401, 403].includes(status) && headers["retry-after"] !== undefined;

/** Whether the same request may get another answer later. */
export const isPassing = (answer: RedfishAnswer): boolean =>
  isTransientStatus(answer.status) || saysNotReady(answer) || saysNoSession(answer) || asksToRetry(answer);

/** Whether the controller has surely done nothing, so that even a request that must not be done twice can be repeated. */
export const wasDeclined = (answer: RedfishAnswer): boolean =>
  [429, 503].includes(answer.status) || saysNotReady(answer) || asksToRetry(answer);
