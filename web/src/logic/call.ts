// The life of a call, from dialling to hanging up, as docs/call-protocol.md describes it. No DOM, no clock, no network: an event in, the
// next state and the messages to send out.

import { isUser, keyOf, type UserId } from './identity.ts';
import type { Frame } from './presence.ts';

export type CallId = string;

/** Why a call is over, as seen from here. */
export type Ending = 'hung-up' | 'peer-hung-up' | 'refused' | 'busy' | 'no-answer' | 'missed' | 'offline' | 'lost';

export type CallState =
  | { phase: 'idle'; last?: { peer: UserId; ending: Ending } }
  | { phase: 'dialling'; call: CallId; peer: UserId }
  | { phase: 'ringing'; call: CallId; peer: UserId }
  // The one who was called is polite: in a collision of offers it withdraws its own.
  | { phase: 'active'; call: CallId; peer: UserId; polite: boolean };

export type CallEvent =
  | { kind: 'dial'; peer: UserId; call: CallId }
  | { kind: 'accept' }
  | { kind: 'refuse' }
  | { kind: 'hang-up' }
  | { kind: 'timeout' }
  | { kind: 'media-lost' }
  | { kind: 'peer-offline'; peer: UserId }
  | { kind: 'frame'; frame: Frame };

export type Effect =
  | { kind: 'send'; to: UserId; type: string; body: Record<string, unknown> }
  /** A message of the running call for the peer connection. */
  | { kind: 'negotiate'; type: string; body: Record<string, unknown> }
  /** Somebody else called meanwhile and was told that the line is busy. */
  | { kind: 'turned-away'; peer: UserId };

export interface Step {
  state: CallState;
  effects: Effect[];
}

export const idle: CallState = { phase: 'idle' };

/** Milliseconds until the machine wants a `timeout`, counted from the moment it entered the state. The one who is called waits
 * longer, so that it is the caller who gives up, and says so. */
export function patience(state: CallState): number | undefined {
  if (state.phase === 'dialling') return 45_000;
  if (state.phase === 'ringing') return 60_000;
  return undefined;
}

export function step(state: CallState, event: CallEvent): Step {
  if (event.kind === 'frame') return receive(state, event.frame);
  if (event.kind === 'dial') {
    if (state.phase !== 'idle') return stay(state);
    const { peer, call } = event;
    return { state: { phase: 'dialling', call, peer }, effects: [send(peer, 'call-ring', call)] };
  }
  if (state.phase === 'idle') return stay(state);

  const { call, peer } = state;
  switch (event.kind) {
    case 'accept':
      if (state.phase !== 'ringing') return stay(state);
      return { state: { phase: 'active', call, peer, polite: true }, effects: [send(peer, 'call-accept', call)] };
    case 'refuse':
      if (state.phase !== 'ringing') return stay(state);
      return { state: idle, effects: [send(peer, 'call-refuse', call)] };
    case 'hang-up':
      if (state.phase === 'ringing') return step(state, { kind: 'refuse' });
      return over(state, 'hung-up', [send(peer, 'hang-up', call)]);
    case 'timeout':
      if (state.phase === 'dialling') return over(state, 'no-answer', [send(peer, 'hang-up', call)]);
      if (state.phase === 'ringing') return over(state, 'missed', [send(peer, 'call-refuse', call)]);
      return stay(state);
    case 'media-lost':
      return state.phase === 'active' ? over(state, 'lost', [send(peer, 'hang-up', call)]) : stay(state);
    case 'peer-offline':
      // A running call does without the server: it ends when its media ends, not when the peer's signaling blinks.
      if (state.phase === 'active' || keyOf(event.peer) !== keyOf(peer)) return stay(state);
      return over(state, state.phase === 'ringing' ? 'missed' : 'offline');
  }
}

function receive(state: CallState, frame: Frame): Step {
  const body = (typeof frame.body === 'object' && frame.body !== null ? frame.body : {}) as Record<string, unknown>;
  if (frame.type === 'error') return undelivered(state, body);
  const call = body['call'];
  if (!frame.origin || typeof call !== 'string' || call === '' || call.length > 64) return stay(state);
  if (frame.type === 'call-ring') return rung(state, frame.origin, call);

  const ours = state.phase !== 'idle' && state.call === call && keyOf(state.peer) === keyOf(frame.origin);
  if (!ours) {
    // A page that was reloaded does not know its calls any more; whoever still believes in one is told.
    const orphan = frame.type === 'call-accept' || frame.type === 'call-offer';
    return { state, effects: orphan ? [send(frame.origin, 'hang-up', call)] : [] };
  }
  switch (frame.type) {
    case 'call-accept':
      if (state.phase !== 'dialling') return stay(state);
      return { state: { phase: 'active', call, peer: state.peer, polite: false }, effects: [] };
    case 'call-refuse':
      return state.phase === 'dialling' ? over(state, 'refused') : stay(state);
    case 'call-busy':
      return state.phase === 'dialling' ? over(state, 'busy') : stay(state);
    case 'hang-up':
      if (state.phase === 'dialling') return over(state, 'no-answer');
      return over(state, state.phase === 'ringing' ? 'missed' : 'peer-hung-up');
    case 'call-offer':
    case 'call-answer':
    case 'new-icecandidate':
    case 'call-media':
    case 'call-restart':
      if (state.phase !== 'active') return stay(state);
      return { state, effects: [{ kind: 'negotiate', type: frame.type, body }] };
    default:
      return stay(state);
  }
}

function rung(state: CallState, from: UserId, call: CallId): Step {
  const ringing: CallState = { phase: 'ringing', call, peer: from };
  if (state.phase === 'idle') return { state: ringing, effects: [] };
  if (keyOf(state.peer) !== keyOf(from)) {
    return { state, effects: [send(from, 'call-busy', call), { kind: 'turned-away', peer: from }] };
  }
  if (state.call === call) return stay(state);
  if (state.phase === 'dialling') {
    // Both rang at once, so both want to talk. Of the two calls the one with the smaller id is kept: each side decides alike,
    // and the side whose call is given up accepts the other.
    if (state.call < call) return stay(state);
    return { state: { phase: 'active', call, peer: from, polite: true }, effects: [send(from, 'call-accept', call)] };
  }
  // Ringing or talking to somebody who starts anew: their page was reloaded, and the old call is gone with it.
  return { state: ringing, effects: [] };
}

function undelivered(state: CallState, body: Record<string, unknown>): Step {
  if (state.phase !== 'dialling' || body['type'] !== 'call-ring') return stay(state);
  if (isUser(body['target']) && keyOf(body['target']) !== keyOf(state.peer)) return stay(state);
  return over(state, body['code'] === 'target-busy' ? 'busy' : 'offline');
}

function over(state: CallState & { peer: UserId }, ending: Ending, effects: Effect[] = []): Step {
  return { state: { phase: 'idle', last: { peer: state.peer, ending } }, effects };
}

const stay = (state: CallState): Step => ({ state, effects: [] });

const send = (to: UserId, type: string, call: CallId): Effect => ({ kind: 'send', to, type, body: { call } });
