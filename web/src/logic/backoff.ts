// How long to wait before trying again.

const first = 500;
const longest = 15_000;

/**
 * Milliseconds before attempt number `attempt` (0 is the first one after a loss). `random` is in [0, 1): without it every page that
 * lost the same server would come back in the same instant.
 */
export function delayBefore(attempt: number, random: number): number {
  const ceiling = Math.min(longest, first * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
