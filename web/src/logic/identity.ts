// Who a person is on the presence channel. The server speaks of users as JSON objects in one of two forms,
// {"issuer", "subject"} or {"username"}; nothing here depends on which, only on two ids being the same.

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type UserId = { [member: string]: Json };

/** A user as lists and announcements show it: the id, in the issuer form with "username" beside it. */
export type UserInfo = UserId;

export type UserKey = string;

const hasIssuer = (user: UserId): boolean => typeof user['issuer'] === 'string' && typeof user['subject'] === 'string';

/** The id to address a user by: what the server may add for display is taken off. */
export function idOf(user: UserInfo): UserId {
  return hasIssuer(user) ? { issuer: user['issuer']!, subject: user['subject']! } : user;
}

/** The same text for the same user, whatever the order of members and whether or not a display name came along. */
export function keyOf(user: UserInfo): UserKey {
  return canonical(idOf(user));
}

export function nameOf(user: UserInfo): string {
  for (const member of ['username', 'subject']) {
    const value = user[member];
    if (typeof value === 'string' && value !== '') return value;
  }
  return Object.values(user).find((value) => typeof value === 'string') ?? canonical(user);
}

export function isUser(value: unknown): value is UserInfo {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((member) => `${JSON.stringify(member)}:${canonical(value[member]!)}`).join(',')}}`;
}

/** Issuer of the names that people type when the server runs in development mode. */
export const developmentIssuer = 'urn:fairlead:dev';

/** A typed name as the server will know it: composed, with plain spaces (OpaqueString, RFC 8265), and none at the ends. */
export function prepareName(typed: string): string {
  return typed.replace(/\p{Zs}/gu, ' ').trim().normalize('NFC');
}

/** Tells oneself from the others: by the token's user, else by the typed name. */
export function selfTest(name: string, verified?: UserInfo): (user: UserInfo) => boolean {
  if (!verified) return (user) => nameOf(user) === name && (!hasIssuer(user) || user['issuer'] === developmentIssuer);
  const key = keyOf(verified);
  const byName = verified['username'];
  return (user) => keyOf(user) === key || (!hasIssuer(user) && user['username'] === byName);
}
