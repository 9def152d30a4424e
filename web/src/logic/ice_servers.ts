// The answer of /rtcconfig: which ICE servers to use, and until when.

import type { RelayTransport } from './options.ts';

export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface RtcConfig {
  iceServers: IceServer[];
  iceTransportPolicy: 'all' | 'relay';
  /** Seconds for which the list may be used. */
  ttl: number;
}

const defaultTtl = 1800;

export function parseRtcConfig(answer: unknown): RtcConfig {
  const { iceServers, iceTransportPolicy, ttl } = (answer ?? {}) as Record<string, unknown>;
  return {
    iceServers: (Array.isArray(iceServers) ? iceServers : []).flatMap(parseServer),
    iceTransportPolicy: iceTransportPolicy === 'relay' ? 'relay' : 'all',
    ttl: typeof ttl === 'number' && ttl > 0 ? ttl : defaultTtl,
  };
}

function parseServer(entry: unknown): IceServer[] {
  const { urls, url, username, credential, password } = (entry ?? {}) as Record<string, unknown>;
  const listed = urls ?? url;
  const texts = (Array.isArray(listed) ? listed : [listed]).filter((item): item is string => typeof item === 'string');
  if (texts.length === 0) return [];
  const server: IceServer = { urls: texts };
  const secret = credential ?? password;
  if (typeof username === 'string') server.username = username;
  if (typeof secret === 'string') server.credential = secret;
  return [server];
}

/** How a client reaches this relay, or nothing when the URL is not one of a relay (RFC 7065). */
export function transportOf(url: string): RelayTransport | undefined {
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase();
  if (scheme === 'turns') return 'tls';
  if (scheme !== 'turn') return undefined;
  return /[?&]transport=tcp\b/i.test(url) ? 'tcp' : 'udp';
}

/** Only the relay's addresses of one transport. */
export function onlyTransport(servers: IceServer[], transport: RelayTransport): IceServer[] {
  return servers
    .map((server) => ({ ...server, urls: server.urls.filter((url) => transportOf(url) === transport) }))
    .filter((server) => server.urls.length > 0);
}

/** Milliseconds after which to ask again: early enough that a call that starts just before still has its time. */
export function refreshAfter(config: RtcConfig): number {
  return Math.max(config.ttl - 60, config.ttl / 2) * 1000;
}
