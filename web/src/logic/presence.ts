// The list of people online, kept from what the server announces.

import { isUser, keyOf, nameOf, type UserId, type UserInfo, type UserKey } from './identity.ts';

/** What arrives on the presence channel, after JSON.parse and before anything is believed about it. */
export interface Frame {
  type: string;
  origin?: UserId;
  body?: unknown;
}

export type Roster = ReadonlyMap<UserKey, UserInfo>;
export const nobody: Roster = new Map();

export type Announcement = { kind: 'online' | 'offline'; user: UserInfo };
export interface Change {
  roster: Roster;
  announcements: Announcement[];
}

export function parseFrame(text: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, origin, body } = value as Record<string, unknown>;
  if (typeof type !== 'string') return undefined;
  return { type, body, ...(isUser(origin) ? { origin } : {}) };
}

export const isPresence = (frame: Frame): boolean => ['userList', 'userOnline', 'userOffline'].includes(frame.type);

/**
 * The roster after a presence message. A list is the truth and announces nothing: it follows every connect, and forty people who
 * were there before are no news.
 */
export function follow(roster: Roster, frame: Frame): Change {
  const body = (frame.body ?? {}) as { users?: unknown; user?: unknown };
  if (frame.type === 'userList') {
    const users = Array.isArray(body.users) ? body.users.filter(isUser) : [];
    return { roster: new Map(users.map((user) => [keyOf(user), user])), announcements: [] };
  }
  if (!isUser(body.user)) return { roster, announcements: [] };
  const key = keyOf(body.user);
  const known = roster.get(key);
  const next = new Map(roster);
  if (frame.type === 'userOnline') {
    next.set(key, body.user);
    return { roster: next, announcements: known ? [] : [{ kind: 'online', user: body.user }] };
  }
  next.delete(key);
  return { roster: next, announcements: known ? [{ kind: 'offline', user: known }] : [] };
}

export interface Person {
  key: UserKey;
  user: UserInfo;
  name: string;
}

/** Everybody but oneself, by name as the reader's language sorts. */
export function others(roster: Roster, isSelf: (user: UserInfo) => boolean, language: string): Person[] {
  const collator = new Intl.Collator(language, { numeric: true });
  return [...roster]
    .filter(([, user]) => !isSelf(user))
    .map(([key, user]) => ({ key, user, name: nameOf(user) }))
    .sort((a, b) => collator.compare(a.name, b.name) || (a.key < b.key ? -1 : 1));
}
