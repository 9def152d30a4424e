// When to restart ICE, and when to give a call up.

/** States of RTCPeerConnection.iceConnectionState. */
export type IceState = 'new' | 'checking' | 'connected' | 'completed' | 'disconnected' | 'failed' | 'closed';

export interface Health {
  /** Milliseconds since media last flowed (or since the call began), 0 while it flows. */
  silentMs: number;
  /** Milliseconds since the last restart, infinite before the first. */
  sinceRestartMs: number;
}

/** A call that heals later than this is one that people have long given up. */
export const giveUpAfterMs = 60_000;

/** Most interruptions are shorter than this: a restart would only make them longer. */
const grace = 3_000;
/** The polite side leaves the first try to the other, so that offers seldom cross. */
const courtesy = 2_000;
const between = 6_000;

export type Repair = 'none' | 'restart' | 'give-up';

export function repair(state: IceState, health: Health, polite: boolean): Repair {
  if (state === 'connected' || state === 'completed' || state === 'closed') return 'none';
  if (health.silentMs >= giveUpAfterMs) return 'give-up';
  if (state === 'new' || state === 'checking') {
    // The first checks, or those after a restart, are under way: failed or the patience of `between` will tell.
    return health.silentMs >= between * 2 && health.sinceRestartMs >= between * 2 ? 'restart' : 'none';
  }
  const wait = (state === 'failed' ? 0 : grace) + (polite ? courtesy : 0);
  return health.silentMs >= wait && health.sinceRestartMs >= between ? 'restart' : 'none';
}
