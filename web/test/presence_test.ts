import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idOf, keyOf, nameOf, prepareName, selfTest, type UserInfo } from '../src/logic/identity.ts';
import { follow, isPresence, nobody, others, parseFrame, type Frame, type Roster } from '../src/logic/presence.ts';
import { userOfToken } from '../src/logic/token.ts';

const dev = (subject: string): UserInfo => ({ issuer: 'urn:fairlead:dev', subject, username: subject });
const after = (...frames: Frame[]) => frames.reduce<Roster>((roster, frame) => follow(roster, frame).roster, nobody);
const online = (user: UserInfo): Frame => ({ type: 'userOnline', body: { user } });
const offline = (user: UserInfo): Frame => ({ type: 'userOffline', body: { user } });
const list = (...users: UserInfo[]): Frame => ({ type: 'userList', body: { users } });
const names = (roster: Roster) => [...roster.values()].map(nameOf).sort();

describe('user ids', () => {
  test('are the same whatever the order of members and with or without a display name', () => {
    const key = keyOf({ issuer: 'https://op', subject: '1' });
    assert.equal(keyOf({ subject: '1', issuer: 'https://op' }), key);
    assert.equal(keyOf({ subject: '1', username: 'alice', issuer: 'https://op' }), key);
    assert.notEqual(keyOf({ subject: '1', issuer: 'https://other' }), key);
  });

  test('of the other form count by name', () => {
    assert.equal(keyOf({ username: 'alice' }), keyOf({ username: 'alice' }));
    assert.notEqual(keyOf({ username: 'alice' }), keyOf({ username: 'bob' }));
    assert.deepEqual(idOf({ username: 'alice' }), { username: 'alice' });
  });

  test('are addressed without what is only for display', () => {
    assert.deepEqual(idOf({ issuer: 'i', subject: 's', username: 'u' }), { issuer: 'i', subject: 's' });
  });

  test('have a name to show', () => {
    assert.equal(nameOf({ issuer: 'i', subject: 's', username: 'u' }), 'u');
    assert.equal(nameOf({ issuer: 'i', subject: 's' }), 's');
    assert.equal(nameOf({ device: 'door' }), 'door');
  });
});

describe('oneself', () => {
  test('is the typed name of the development issuer, not its namesake of a provider', () => {
    const self = selfTest('alice');
    assert.ok(self(dev('alice')));
    assert.ok(self({ username: 'alice' }));
    assert.ok(!self({ issuer: 'https://op', subject: '7', username: 'alice' }));
  });

  test('is found by a name typed in pieces', () => {
    assert.equal(prepareName(' Zoe\u0308\u00a0K '), 'Zo\u00eb K');
  });

  test('is the user of the token', () => {
    const payload = Buffer.from(JSON.stringify({ iss: 'https://op', sub: '7', preferred_username: 'Älice' })).toString('base64url');
    const user = userOfToken(`h.${payload}.s`)!;
    assert.equal(nameOf(user), 'Älice');
    const self = selfTest('ignored', user);
    assert.ok(self({ issuer: 'https://op', subject: '7' }));
    assert.ok(!self(dev('Älice')));
  });

  test('is nobody when the token is none', () => {
    for (const token of ['', 'x', 'a.b.c', 'a.e30.c']) assert.equal(userOfToken(token), undefined);
  });
});

describe('the roster', () => {
  test('follows list, arrivals and departures', () => {
    assert.deepEqual(names(after(list(dev('alice'), dev('bob')), online(dev('carol')), offline(dev('bob')))), ['alice', 'carol']);
  });

  test('takes a departure that names the id alone', () => {
    assert.deepEqual(names(after(list(dev('bob')), offline({ issuer: 'urn:fairlead:dev', subject: 'bob' }))), []);
  });

  test('is replaced by a list, which announces nobody', () => {
    const change = follow(after(online(dev('gone'))), list(dev('alice')));
    assert.deepEqual(names(change.roster), ['alice']);
    assert.deepEqual(change.announcements, []);
  });

  test('announces each arrival and departure once', () => {
    const roster = after(online(dev('alice')));
    assert.deepEqual(follow(roster, online(dev('alice'))).announcements, []);
    assert.deepEqual(follow(roster, offline(dev('bob'))).announcements, []);
    assert.deepEqual(follow(roster, offline(dev('alice'))).announcements, [{ kind: 'offline', user: dev('alice') }]);
  });

  test('shows the others in order, without oneself', () => {
    const roster = after(list(dev('user 10'), dev('alice'), dev('user 9'), dev('Bob')));
    assert.deepEqual(others(roster, selfTest('alice'), 'en').map((person) => person.name), ['Bob', 'user 9', 'user 10']);
  });

  test('survives nonsense', () => {
    for (const body of [undefined, null, 1, {}, { user: null }, { user: [] }, { user: {} }, { users: 'x' }]) {
      for (const type of ['userList', 'userOnline', 'userOffline']) assert.deepEqual(names(follow(nobody, { type, body }).roster), []);
    }
  });
});

describe('frames', () => {
  test('need an object with a type', () => {
    for (const text of ['', 'x', 'null', '7', '[]', '{}', '{"type":7}']) assert.equal(parseFrame(text), undefined);
  });

  test('keep the origin only when it is a user', () => {
    assert.deepEqual(parseFrame('{"type":"hang-up","origin":{"username":"a"},"body":{"call":"1"}}'), {
      type: 'hang-up',
      origin: { username: 'a' },
      body: { call: '1' },
    });
    assert.equal('origin' in parseFrame('{"type":"hang-up","origin":"a"}')!, false);
    assert.ok(isPresence(parseFrame('{"type":"userList"}')!));
  });
});
