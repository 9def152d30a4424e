// Reads, and does not verify, a bearer token: the page only needs to know which user the server will see in it.

import type { Json, UserInfo } from './identity.ts';

export function userOfToken(token: string): UserInfo | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, Json>;
    if (typeof claims['iss'] !== 'string' || typeof claims['sub'] !== 'string') return undefined;
    const user: UserInfo = { issuer: claims['iss'], subject: claims['sub'] };
    if (typeof claims['preferred_username'] === 'string') user['username'] = claims['preferred_username'];
    return user;
  } catch {
    return undefined;
  }
}
