import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idle, patience, step, type CallEvent, type CallState, type Effect } from '../src/logic/call.ts';
import { keyOf, type UserId } from '../src/logic/identity.ts';

const alice: UserId = { issuer: 'urn:fairlead:dev', subject: 'alice' };
const bob: UserId = { issuer: 'urn:fairlead:dev', subject: 'bob' };
const carol: UserId = { issuer: 'urn:fairlead:dev', subject: 'carol' };

const from = (origin: UserId, type: string, body: object): CallEvent => ({ kind: 'frame', frame: { type, origin, body } });
const run = (...events: CallEvent[]) =>
  events.reduce<{ state: CallState; effects: Effect[] }>((before, event) => step(before.state, event), { state: idle, effects: [] });
const sent = (effects: Effect[]) => effects.filter((effect) => effect.kind === 'send').map((effect) => effect.type);
const ending = (state: CallState) => (state.phase === 'idle' ? state.last?.ending : undefined);

const dialBob: CallEvent = { kind: 'dial', peer: bob, call: 'c1' };
const bobRings = from(bob, 'call-ring', { call: 'c1' });
const talkingToBob = () => run(dialBob, from(bob, 'call-accept', { call: 'c1' })).state;

/** Two machines and the channel between them: messages arrive in order, each when it is delivered. */
class Pair {
  states = new Map<string, CallState>([['a', idle], ['b', idle]]);
  onTheWay: { to: 'a' | 'b'; event: CallEvent }[] = [];

  do(who: 'a' | 'b', event: CallEvent): void {
    const { state, effects } = step(this.states.get(who)!, event);
    this.states.set(who, state);
    for (const effect of effects) {
      if (effect.kind !== 'send') continue;
      assert.equal(keyOf(effect.to), keyOf(who === 'a' ? bob : alice));
      const origin = who === 'a' ? alice : bob;
      this.onTheWay.push({ to: who === 'a' ? 'b' : 'a', event: from(origin, effect.type, effect.body) });
    }
  }

  deliverAll(): void {
    for (let count = 0; this.onTheWay.length > 0; ++count) {
      assert.ok(count < 50, 'the two sides never come to rest');
      const { to, event } = this.onTheWay.shift()!;
      this.do(to, event);
    }
  }
}

describe('a call', () => {
  test('rings, is accepted, and the one who was called is polite', () => {
    const pair = new Pair();
    pair.do('a', dialBob);
    pair.deliverAll();
    assert.equal(pair.states.get('b')!.phase, 'ringing');
    pair.do('b', { kind: 'accept' });
    pair.deliverAll();
    assert.deepEqual(pair.states.get('a'), { phase: 'active', call: 'c1', peer: bob, polite: false });
    assert.deepEqual(pair.states.get('b'), { phase: 'active', call: 'c1', peer: alice, polite: true });
    pair.do('b', { kind: 'hang-up' });
    pair.deliverAll();
    assert.equal(ending(pair.states.get('a')!), 'peer-hung-up');
    assert.equal(ending(pair.states.get('b')!), 'hung-up');
  });

  test('may be refused', () => {
    const { state, effects } = run(bobRings, { kind: 'refuse' });
    assert.deepEqual(state, idle);
    assert.deepEqual(sent(effects), ['call-refuse']);
    assert.equal(ending(run(dialBob, from(bob, 'call-refuse', { call: 'c1' })).state), 'refused');
  });

  test('is missed when the caller gives up', () => {
    assert.equal(ending(run(bobRings, from(bob, 'hang-up', { call: 'c1' })).state), 'missed');
  });

  test('that nobody answers ends by itself, the caller first', () => {
    const { state, effects } = run(dialBob, { kind: 'timeout' });
    assert.equal(ending(state), 'no-answer');
    assert.deepEqual(sent(effects), ['hang-up']);
    assert.ok(patience(run(dialBob).state)! < patience(run(bobRings).state)!);
    assert.equal(patience(talkingToBob()), undefined);
  });

  test('to somebody who is gone ends at once', () => {
    const error = { kind: 'frame', frame: { type: 'error', body: { code: 'target-offline', type: 'call-ring', target: bob } } } as const;
    assert.equal(ending(run(dialBob, error).state), 'offline');
    assert.equal(ending(run(dialBob, { kind: 'peer-offline', peer: bob }).state), 'offline');
    assert.equal(ending(run(bobRings, { kind: 'peer-offline', peer: bob }).state), 'missed');
  });

  test('is not ended by an error about somebody else, or about another message', () => {
    const about = (type: string, target: UserId): CallEvent => ({ kind: 'frame', frame: { type: 'error', body: { code: 'target-offline', type, target } } });
    assert.equal(run(dialBob, about('call-ring', carol)).state.phase, 'dialling');
    assert.equal(run(dialBob, about('hang-up', bob)).state.phase, 'dialling');
  });

  test('goes on while the other side has lost the server', () => {
    assert.equal(step(talkingToBob(), { kind: 'peer-offline', peer: bob }).state.phase, 'active');
  });

  test('ends on both sides when its media is lost', () => {
    const { state, effects } = step(talkingToBob(), { kind: 'media-lost' });
    assert.equal(ending(state), 'lost');
    assert.deepEqual(sent(effects), ['hang-up']);
  });

  test('does not notice a third person, who is told that the line is busy', () => {
    const { state, effects } = step(talkingToBob(), from(carol, 'call-ring', { call: 'c9' }));
    assert.deepEqual(state, talkingToBob());
    assert.deepEqual(effects, [
      { kind: 'send', to: carol, type: 'call-busy', body: { call: 'c9' } },
      { kind: 'turned-away', peer: carol },
    ]);
  });

  test('cannot be ended, answered or negotiated by a third person who knows its id', () => {
    for (const type of ['hang-up', 'call-offer', 'new-icecandidate', 'call-refuse']) {
      const { state, effects } = step(talkingToBob(), from(carol, type, { call: 'c1', sdp: 'x' }));
      assert.equal(state.phase, 'active');
      assert.ok(!effects.some((effect) => effect.kind === 'negotiate'));
    }
    assert.equal(run(dialBob, from(carol, 'call-accept', { call: 'c1' })).state.phase, 'dialling');
  });

  test('hands its negotiation on, and only its own', () => {
    const { effects } = step(talkingToBob(), from(bob, 'call-offer', { call: 'c1', sdp: 'v=0' }));
    assert.deepEqual(effects, [{ kind: 'negotiate', type: 'call-offer', body: { call: 'c1', sdp: 'v=0' } }]);
    assert.deepEqual(step(talkingToBob(), from(bob, 'new-icecandidate', { call: 'c0', candidates: [] })).effects, []);
  });

  test('that this page knows nothing of is hung up, without answering goodbyes with goodbyes', () => {
    assert.deepEqual(sent(step(idle, from(bob, 'call-offer', { call: 'old' })).effects), ['hang-up']);
    assert.deepEqual(sent(step(idle, from(bob, 'call-accept', { call: 'old' })).effects), ['hang-up']);
    for (const type of ['hang-up', 'call-refuse', 'call-busy', 'new-icecandidate', 'call-answer']) {
      assert.deepEqual(step(idle, from(bob, type, { call: 'old' })).effects, []);
    }
  });

  test('takes its place when the other side was reloaded and rings anew', () => {
    const { state } = step(talkingToBob(), from(bob, 'call-ring', { call: 'c2' }));
    assert.deepEqual(state, { phase: 'ringing', call: 'c2', peer: bob });
  });

  test('survives nonsense', () => {
    for (const body of [null, 7, 'x', [], {}, { call: 7 }, { call: '' }, { call: 'x'.repeat(65) }]) {
      for (const type of ['call-ring', 'call-accept', 'call-offer', 'hang-up', 'error', 'whatever']) {
        const frame = { type, origin: bob, body };
        assert.deepEqual(step(talkingToBob(), { kind: 'frame', frame }).state, talkingToBob());
        assert.deepEqual(step(idle, { kind: 'frame', frame }), { state: idle, effects: [] });
      }
    }
    assert.deepEqual(step(idle, { kind: 'frame', frame: { type: 'call-ring', body: { call: 'c1' } } }).state, idle);
  });
});

describe('two people who ring each other at the same time', () => {
  for (const [ofAlice, ofBob] of [['c1', 'c2'], ['c2', 'c1']] as const) {
    test(`talk in the call with the smaller id (${ofAlice} against ${ofBob})`, () => {
      const pair = new Pair();
      pair.do('a', { kind: 'dial', peer: bob, call: ofAlice });
      pair.do('b', { kind: 'dial', peer: alice, call: ofBob });
      pair.deliverAll();
      const [a, b] = [pair.states.get('a')!, pair.states.get('b')!];
      assert.ok(a.phase === 'active' && b.phase === 'active');
      assert.equal(a.call, 'c1');
      assert.equal(b.call, 'c1');
      assert.notEqual(a.polite, b.polite, 'exactly one is polite');
    });
  }

  test('and one of whom gives up meanwhile do not end in half a call', () => {
    const pair = new Pair();
    pair.do('a', { kind: 'dial', peer: bob, call: 'c1' });
    pair.do('b', { kind: 'dial', peer: alice, call: 'c2' });
    pair.do('a', { kind: 'hang-up' });
    pair.deliverAll();
    assert.notEqual(pair.states.get('a')!.phase, 'active');
    assert.notEqual(pair.states.get('b')!.phase, 'active');
  });
});
