// How the media flows, from the numbers that a peer connection reports.

import type { RelayTransport } from './options.ts';

/** The members of RTCStatsReport entries that are read here. */
export interface StatsEntry {
  id: string;
  type: string;
  [member: string]: unknown;
}

export type PathKind = 'unknown' | 'direct' | 'relay';

export interface Path {
  kind: PathKind;
  /** Between us and our relay. Nothing when the other side's relay is used: only they know. */
  via?: RelayTransport;
  /** Whose relay: ours, or the other side's. */
  whose?: 'ours' | 'theirs';
  roundTripMs?: number;
  /** Share of the received packets that was lost, in the time between two looks: 0 to 1. */
  loss?: number;
  localType?: string;
  remoteType?: string;
  localAddress?: string;
  remoteAddress?: string;
}

export interface ReceivedSoFar {
  received: number;
  lost: number;
}

export const unknownPath: Path = { kind: 'unknown' };

export function selectedPair(entries: StatsEntry[]): StatsEntry | undefined {
  const transport = entries.find((entry) => entry.type === 'transport' && typeof entry['selectedCandidatePairId'] === 'string');
  if (transport) return entries.find((entry) => entry.id === transport['selectedCandidatePairId']);
  // Firefox has no selectedCandidatePairId but marks the pair.
  return entries.find((entry) => entry.type === 'candidate-pair' && entry['selected'] === true);
}

export function readPath(entries: StatsEntry[], before?: ReceivedSoFar): Path {
  const pair = selectedPair(entries);
  if (!pair) return unknownPath;
  const local = entries.find((entry) => entry.id === pair['localCandidateId']);
  const remote = entries.find((entry) => entry.id === pair['remoteCandidateId']);
  if (!local) return unknownPath;

  const path: Path = { kind: 'direct' };
  if (local['candidateType'] === 'relay') {
    path.kind = 'relay';
    path.whose = 'ours';
    path.via = relayTransport(local);
  } else if (remote?.['candidateType'] === 'relay') {
    path.kind = 'relay';
    path.whose = 'theirs';
  }
  if (typeof pair['currentRoundTripTime'] === 'number') path.roundTripMs = Math.round(pair['currentRoundTripTime'] * 1000);
  const loss = lossSince(received(entries), before);
  if (loss !== undefined) path.loss = loss;
  assignText(path, 'localType', local['candidateType']);
  assignText(path, 'remoteType', remote?.['candidateType']);
  assignText(path, 'localAddress', address(local));
  assignText(path, 'remoteAddress', remote && address(remote));
  return path;
}

export function received(entries: StatsEntry[]): ReceivedSoFar {
  const sum = (member: string) =>
    entries
      .filter((entry) => entry.type === 'inbound-rtp')
      .reduce((total, entry) => total + (typeof entry[member] === 'number' ? (entry[member] as number) : 0), 0);
  return { received: sum('packetsReceived'), lost: sum('packetsLost') };
}

function lossSince(now: ReceivedSoFar, before?: ReceivedSoFar): number | undefined {
  if (!before) return undefined;
  const arrived = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  return arrived + lost > 0 && arrived >= 0 ? lost / (arrived + lost) : undefined;
}

function relayTransport(candidate: StatsEntry): RelayTransport {
  const protocol = candidate['relayProtocol'];
  if (protocol === 'tcp' || protocol === 'tls' || protocol === 'udp') return protocol;
  const url = candidate['url'];
  if (typeof url === 'string' && url.startsWith('turns:')) return 'tls';
  return typeof url === 'string' && url.includes('transport=tcp') ? 'tcp' : 'udp';
}

function address(candidate: StatsEntry): string | undefined {
  const host = candidate['address'] ?? candidate['ip'];
  if (typeof host !== 'string' || host === '') return undefined;
  return `${host.includes(':') ? `[${host}]` : host}:${String(candidate['port'])}`;
}

function assignText(path: Path, member: 'localType' | 'remoteType' | 'localAddress' | 'remoteAddress', value: unknown): void {
  if (typeof value === 'string') path[member] = value;
}

/** The catalogue key of the short words on the badge. */
export function badgeKey(path: Path) {
  if (path.kind === 'unknown') return 'path.unknown' as const;
  if (path.kind === 'direct') return 'path.direct' as const;
  return path.via ? (`path.relay.${path.via}` as const) : ('path.relay.theirs' as const);
}

/** The catalogue key of the sentence that tells why the media goes this way. `asked`: nothing but a relay was allowed. */
export function whyKey(path: Path, asked = false) {
  if (path.kind === 'unknown') return 'why.unknown' as const;
  if (path.kind === 'direct') return path.localType === 'host' && path.remoteType === 'host' ? ('why.direct.host' as const) : ('why.direct.nat' as const);
  if (!path.via) return 'why.relay.theirs' as const;
  return asked ? ('why.relay.asked' as const) : (`why.relay.${path.via}` as const);
}
