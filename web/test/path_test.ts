import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyTransport, parseRtcConfig, refreshAfter, transportOf } from '../src/logic/ice_servers.ts';
import { badgeKey, readPath, received, whyKey, type StatsEntry } from '../src/logic/path.ts';

function stats(local: object, remote: object, pair: object = {}): StatsEntry[] {
  return [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'old', type: 'candidate-pair', localCandidateId: 'other', remoteCandidateId: 'R', nominated: true },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.0234, ...pair },
    { id: 'L', type: 'local-candidate', candidateType: 'host', address: '192.0.2.1', port: 5000, ...local },
    { id: 'R', type: 'remote-candidate', candidateType: 'host', address: '192.0.2.2', port: 6000, ...remote },
  ];
}

describe('the path', () => {
  test('is direct inside one network', () => {
    const path = readPath(stats({}, {}));
    assert.deepEqual(path, {
      kind: 'direct', roundTripMs: 23, localType: 'host', remoteType: 'host', localAddress: '192.0.2.1:5000', remoteAddress: '192.0.2.2:6000',
    });
    assert.equal(badgeKey(path), 'path.direct');
    assert.equal(whyKey(path), 'why.direct.host');
  });

  test('is direct through routers', () => {
    assert.equal(whyKey(readPath(stats({ candidateType: 'srflx' }, { candidateType: 'prflx' }))), 'why.direct.nat');
  });

  for (const via of ['udp', 'tcp', 'tls'] as const) {
    test(`is relayed over ${via}`, () => {
      const path = readPath(stats({ candidateType: 'relay', relayProtocol: via }, {}));
      assert.equal(path.via, via);
      assert.equal(path.whose, 'ours');
      assert.equal(badgeKey(path), `path.relay.${via}`);
      assert.equal(whyKey(path), `why.relay.${via}`);
      assert.equal(whyKey(path, true), 'why.relay.asked');
    });
  }

  test('tells the transport by the URL where the browser does not name it', () => {
    assert.equal(readPath(stats({ candidateType: 'relay', url: 'turns:relay.example:443?transport=tcp' }, {})).via, 'tls');
    assert.equal(readPath(stats({ candidateType: 'relay', url: 'turn:relay.example?transport=tcp' }, {})).via, 'tcp');
  });

  test("may be the other side's relay", () => {
    const path = readPath(stats({}, { candidateType: 'relay' }));
    assert.equal(path.whose, 'theirs');
    assert.equal(badgeKey(path), 'path.relay.theirs');
    assert.equal(whyKey(path), 'why.relay.theirs');
  });

  test('is unknown before a pair is chosen', () => {
    const path = readPath([{ id: 'T', type: 'transport' }]);
    assert.equal(badgeKey(path), 'path.unknown');
    assert.equal(whyKey(path), 'why.unknown');
  });

  test('is read from the marked pair in browsers without a chosen one', () => {
    const entries = stats({}, {}, { selected: true }).filter((entry) => entry.type !== 'transport');
    assert.equal(readPath(entries).kind, 'direct');
  });

  test('writes IPv6 addresses in brackets', () => {
    assert.equal(readPath(stats({ address: 'fd00::2' }, {})).localAddress, '[fd00::2]:5000');
  });

  test('counts loss between two looks', () => {
    const inbound = (packetsReceived: number, packetsLost: number): StatsEntry => ({ id: 'I', type: 'inbound-rtp', packetsReceived, packetsLost });
    const before = received([inbound(1000, 50)]);
    assert.equal(readPath([...stats({}, {}), inbound(1090, 60)], before).loss, 0.1);
    assert.equal(readPath([...stats({}, {}), inbound(1090, 60)]).loss, undefined);
    assert.equal(readPath([...stats({}, {}), inbound(1090, 45)], before).loss, 0, 'late arrivals lower the sum');
  });
});

describe('the RTC configuration', () => {
  const answer = {
    ttl: 1800,
    iceTransportPolicy: 'all',
    iceServers: [
      { urls: ['stun:t.example:3478'] },
      { urls: ['turn:t.example:3478?transport=udp', 'turn:t.example:3478?transport=tcp', 'turns:t.example:5349?transport=tcp'], username: 'u', credential: 'c', password: 'c' },
    ],
  };

  test('is read as the browser wants it', () => {
    const config = parseRtcConfig(answer);
    assert.equal(config.ttl, 1800);
    assert.deepEqual(config.iceServers[1], { urls: answer.iceServers[1]!.urls, username: 'u', credential: 'c' });
  });

  test('accepts the spellings of older lists', () => {
    assert.deepEqual(parseRtcConfig({ iceServers: [{ url: 'turn:x', username: 'u', password: 'p' }] }).iceServers, [{ urls: ['turn:x'], username: 'u', credential: 'p' }]);
  });

  test('is empty but usable when the answer is not', () => {
    for (const bad of [undefined, null, 7, {}, { iceServers: 'x', ttl: -1 }, { iceServers: [null, {}, { urls: [7] }] }]) {
      assert.deepEqual(parseRtcConfig(bad), { iceServers: [], iceTransportPolicy: 'all', ttl: 1800 });
    }
  });

  test('can be narrowed to one way to the relay', () => {
    const { iceServers } = parseRtcConfig(answer);
    assert.deepEqual(onlyTransport(iceServers, 'udp').flatMap((server) => server.urls), ['turn:t.example:3478?transport=udp']);
    assert.deepEqual(onlyTransport(iceServers, 'tcp').flatMap((server) => server.urls), ['turn:t.example:3478?transport=tcp']);
    assert.deepEqual(onlyTransport(iceServers, 'tls').flatMap((server) => server.urls), ['turns:t.example:5349?transport=tcp']);
    assert.equal(transportOf('turn:bare.example'), 'udp');
    assert.equal(transportOf('stun:t.example'), undefined);
  });

  test('is asked for again before it runs out', () => {
    for (const ttl of [10, 100, 1800]) {
      const wait = refreshAfter(parseRtcConfig({ ttl })) / 1000;
      assert.ok(wait >= ttl / 2 && wait < ttl);
    }
  });
});
