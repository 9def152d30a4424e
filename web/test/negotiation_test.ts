import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Negotiator, parseCandidates, parseDescription, type Connection, type Description } from '../src/logic/negotiation.ts';

/** The signaling states of an RTCPeerConnection, with rollback, and every change taking a turn of the event loop as in a browser. */
class FakeConnection implements Connection {
  signalingState = 'stable';
  localDescription: Description | null = null;
  remote: string[] = [];
  candidates: object[] = [];
  private serial = 0;
  private chain: Promise<void> = Promise.resolve();

  constructor(private readonly name: string) {}

  setLocalDescription(): Promise<void> {
    return this.queue(() => {
      const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
      this.localDescription = { type, sdp: `${this.name}-${type}-${++this.serial}` };
      this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
    });
  }

  setRemoteDescription(description: Description): Promise<void> {
    return this.queue(() => {
      if (description.type === 'answer') {
        if (this.signalingState !== 'have-local-offer') throw new Error('InvalidStateError');
        this.signalingState = 'stable';
      } else {
        this.signalingState = 'have-remote-offer';
      }
      this.remote.push(description.sdp);
    });
  }

  async addIceCandidate(candidate: object): Promise<void> {
    if (this.remote.length === 0) throw new Error('no remote description');
    this.candidates.push(candidate);
  }

  private queue(change: () => void): Promise<void> {
    const done = this.chain.then(() => new Promise<void>((resolve) => setImmediate(resolve))).then(change);
    this.chain = done.catch(() => {});
    return done;
  }
}

/** Both sides and a channel that delivers in order, each message a turn later, through the one-at-a-time inbox that a page has. */
function pair(lose: (count: number) => boolean = () => false) {
  let count = 0;
  const side = (name: string, polite: boolean) => {
    const connection = new FakeConnection(name);
    const toOther: Description[] = [];
    const negotiator = new Negotiator(connection, polite, (description) => {
      if (!lose(++count)) toOther.push(description);
    });
    return { connection, negotiator, toOther };
  };
  const a = side('a', false);
  const b = side('b', true);
  const settle = async () => {
    for (let turn = 0; turn < 40; ++turn) {
      await Promise.all([
        (async () => { for (const d of a.toOther.splice(0)) await b.negotiator.receive(d); })(),
        (async () => { for (const d of b.toOther.splice(0)) await a.negotiator.receive(d); })(),
      ]);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { a, b, settle };
}

const agreed = ({ a, b }: ReturnType<typeof pair>) => {
  assert.equal(a.connection.signalingState, 'stable');
  assert.equal(b.connection.signalingState, 'stable');
};

describe('negotiation', () => {
  test('is an offer and an answer', async () => {
    const both = pair();
    await both.a.negotiator.offer();
    await both.settle();
    agreed(both);
    assert.deepEqual(both.b.connection.remote, ['a-offer-1']);
    assert.deepEqual(both.a.connection.remote, ['b-answer-1']);
  });

  test('with offers that cross keeps that of the impolite side', async () => {
    const both = pair();
    await Promise.all([both.a.negotiator.offer(), both.b.negotiator.offer()]);
    await both.settle();
    agreed(both);
    assert.deepEqual(both.b.connection.remote, ['a-offer-1']);
    assert.deepEqual(both.a.connection.remote, ['b-answer-2']);
  });

  test('ignores an offer that arrives while its own is being made', async () => {
    const both = pair();
    const making = both.a.negotiator.offer();
    await both.a.negotiator.receive({ type: 'offer', sdp: 'b-offer-0' });
    await making;
    assert.deepEqual(both.a.connection.remote, []);
    assert.equal(both.a.connection.signalingState, 'have-local-offer');
  });

  test('can go on after a collision', async () => {
    const both = pair();
    await Promise.all([both.a.negotiator.offer(), both.b.negotiator.offer()]);
    await both.settle();
    await both.b.negotiator.offer();
    await both.settle();
    agreed(both);
    assert.equal(both.a.connection.remote.at(-1), 'b-offer-3');
  });

  test('heals after a lost offer when it is repeated', async () => {
    const both = pair((count) => count === 1);
    await both.a.negotiator.offer();
    await both.settle();
    assert.equal(both.a.connection.signalingState, 'have-local-offer');
    assert.equal(both.a.negotiator.repeat(), true);
    await both.settle();
    agreed(both);
    assert.equal(both.a.negotiator.repeat(), false);
  });

  test('heals after a lost answer when the offer is repeated', async () => {
    const both = pair((count) => count === 2);
    await both.a.negotiator.offer();
    await both.settle();
    both.a.negotiator.repeat();
    await both.settle();
    agreed(both);
  });

  test('takes one answer to an offer that was sent twice', async () => {
    const both = pair();
    await both.a.negotiator.offer();
    both.a.negotiator.repeat();
    await both.settle();
    agreed(both);
    assert.equal(both.a.connection.remote.length, 1);
  });

  test('attaches media between offer and answer', async () => {
    const connection = new FakeConnection('b');
    const states: string[] = [];
    const negotiator = new Negotiator(connection, true, () => {}, () => void states.push(connection.signalingState));
    await negotiator.receive({ type: 'offer', sdp: 'x' });
    assert.deepEqual(states, ['have-remote-offer']);
  });

  test('forgives candidates of an offer that it ignored, and no others', async () => {
    const both = pair();
    await both.a.negotiator.offer();
    await assert.rejects(both.a.negotiator.receiveCandidates([{ candidate: 'x' }]));
    await both.a.negotiator.receive({ type: 'offer', sdp: 'b-offer-0' });
    await both.a.negotiator.receiveCandidates([{ candidate: 'x' }]);
    assert.deepEqual(both.a.connection.candidates, []);
  });
});

describe('what arrives', () => {
  test('is a description only with text', () => {
    assert.deepEqual(parseDescription('call-offer', { sdp: 'v=0' }), { type: 'offer', sdp: 'v=0' });
    assert.deepEqual(parseDescription('call-answer', { sdp: 'v=0' }), { type: 'answer', sdp: 'v=0' });
    assert.equal(parseDescription('call-offer', { sdp: { evil: 1 } }), undefined);
  });

  test('is a list of candidates or none', () => {
    assert.deepEqual(parseCandidates({ candidates: [{ candidate: 'a' }, null, 7] }), [{ candidate: 'a' }]);
    assert.deepEqual(parseCandidates({ candidates: 'a' }), []);
  });
});
