/** Times of one bring-up. CPU-seconds are those of the whole host, including other programs. */
export interface BringUpTimes {
  /** Seconds from the POST, or by hand from the first machine's start, to all nodes Ready. */
  ready: number;
  /** To DNS: with Sprout it answers on every node, by hand its first replica is ready. */
  dns: number;
  cpuToReady: number;
  cpuToDns: number;
}
