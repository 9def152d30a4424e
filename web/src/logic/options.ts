// What the address of the page asks for.

import { prepareName } from './identity.ts';

export type RelayTransport = 'udp' | 'tcp' | 'tls';

export interface Options {
  /** Name to sign in with, without asking. */
  name?: string;
  /** Bearer token of an OpenID provider, in place of a typed name. */
  token?: string;
  /** Use relayed candidates only. */
  relayOnly: boolean;
  /** Use only the relay's addresses of this transport. */
  transport?: RelayTransport;
  /** Accept every call unasked; the server must be in development mode. */
  autoAccept: boolean;
  language?: string;
}

/** Reads the query, and the fragment for the token: a fragment is not sent to servers, nor written to their logs. */
export function readOptions(search: string, fragment: string): Options {
  const query = new URLSearchParams(search);
  const hidden = new URLSearchParams(fragment.replace(/^#/, ''));
  const flag = (name: string) => ['1', 'true', ''].includes(query.get(name) ?? '0');
  const options: Options = { relayOnly: flag('relay'), autoAccept: flag('autoaccept') };
  const name = prepareName(query.get('name') ?? '');
  if (name) options.name = name;
  const token = hidden.get('oidc');
  if (token) options.token = token;
  const transport = query.get('transport');
  if (transport === 'udp' || transport === 'tcp' || transport === 'tls') options.transport = transport;
  const language = query.get('lang');
  if (language) options.language = language;
  return options;
}
