// Sound and picture from browser to browser, over every kind of path.

import assert from 'node:assert/strict';
import { seconds, until } from '../support/browser.mjs';

/** Points of a coarse picture that are not as they were. */
const changed = (was, is) => is.filter((value, point) => Math.abs(value - was[point]) > 12).length;

/** Both see the other move and hear the other for a while. */
async function assertMediaFlows(people, during = 5) {
  const numbers = () => Promise.all(people.map((person) => person.received()));
  const pictures = () => Promise.all(people.map((person) => person.picture()));
  await until(numbers, (sides) => sides.every((side) => side.frames > 0 && side.samples > 0), 'first frames and samples');
  const [before, seen] = [await numbers(), await pictures()];
  await seconds(during);
  const after = await numbers();
  people.forEach((person, index) => {
    const [was, is] = [before[index], after[index]];
    assert.ok(is.frames - was.frames >= during * 3, `${person.name} decoded ${is.frames - was.frames} frames in ${during} s`);
    assert.ok(is.samples - was.samples >= during * 48_000 * 0.8, `${person.name} got ${is.samples - was.samples} samples in ${during} s`);
    assert.ok(is.energy > was.energy, `${person.name} hears nothing`);
  });
  // The make-believe camera's picture comes round once a second, so two looks may well see the same.
  const moved = async () => (await pictures()).map((picture, index) => changed(seen[index], picture));
  const least = seen[0].length / 200;
  await until(moved, (counts) => counts.every((count) => count > least), 'points that changed in the picture');
  for (const picture of await pictures()) assert.ok(Math.max(...picture) - Math.min(...picture) > 30, 'a picture of one colour only');
}

async function connect(open, base, query, secure = {}) {
  const alice = await open(base, 'Alice', { query, ...secure });
  const bob = await open(base, 'Bob', { query, ...secure });
  await alice.call(bob);
  await bob.$('accept').click();
  await Promise.all([alice.talks(), bob.talks()]);
  return [alice, bob];
}

const relayed = (transport) => async ({ server, open }) => {
  const people = await connect(open, server.http, `relay=1&transport=${transport}`);
  const [alice, bob] = people;
  await assertMediaFlows(people);
  for (const person of people) {
    const { local, remote } = await person.selectedPair();
    assert.equal(local.candidateType, 'relay');
    assert.equal(local.relayProtocol, transport);
    assert.equal(remote.candidateType, 'relay');
    await person.$('path', `[data-kind=relay][data-via=${transport}]`).waitFor();
    assert.match(await person.$('path').innerText(), new RegExp(`Relayed over ${transport}`, 'i'));
    assert.match(await person.$('path').getAttribute('data-rtt'), /^\d+$/);
    await person.screenshot(`relay-${transport}-${person.name}`);
  }
  await alice.$('path').click();
  assert.match(await alice.$('why').innerText(), /was asked to use the relay/);
  await alice.page.keyboard.press('Escape');
  await bob.$('hang-up').click();
  await Promise.all(people.map((person) => person.isBackAtPeople()));
  await alice.$('toast').filter({ hasText: 'Bob hung up' }).waitFor();
};

const restarted = (whose) => async ({ server, open }) => {
  const people = await connect(open, server.http, 'relay=1&transport=udp');
  await assertMediaFlows(people, 1);
  const ufrag = (person) => person.page.evaluate(() => /ice-ufrag:(\S+)/.exec(globalThis.keptConnections.at(-1).localDescription.sdp)[1]);
  const before = await Promise.all(people.map(ufrag));
  await Promise.all(whose(...people).map((person) => person.page.evaluate(() => globalThis.dispatchEvent(new Event('online')))));
  await until(() => Promise.all(people.map(ufrag)), (now) => now.every((text, side) => text !== before[side]), 'new ICE credentials');
  const settled = (person) => person.page.evaluate(() => globalThis.keptConnections.at(-1).signalingState);
  await until(() => Promise.all(people.map(settled)), (states) => states.every((state) => state === 'stable'), 'an end of the negotiation');
  await Promise.all(people.map((person) => person.talks()));
  await assertMediaFlows(people, 3);
};

export default {
  'relayed over UDP': relayed('udp'),
  'relayed over TCP': relayed('tcp'),
  'relayed over TLS': relayed('tls'),

  'direct, and the badge tells why': async ({ server, open }) => {
    const people = await connect(open, server.http, '');
    await assertMediaFlows(people, 2);
    const [alice] = people;
    await alice.$('path', '[data-kind=direct]').click();
    assert.match(await alice.$('why').innerText(), /one network.*encrypted/s);
    await alice.screenshot('why-direct');
    await alice.page.keyboard.press('Escape');
    assert.equal(await alice.$('why').count(), 0);
  },

  'over the https port': async ({ server, open }) => {
    const people = await connect(open, server.https, 'relay=1');
    await assertMediaFlows(people, 2);
  },

  'muting silences, and is shown to the other side': async ({ server, open }) => {
    const [alice, bob] = await connect(open, server.http, '');
    await assertMediaFlows([alice, bob], 2);
    await alice.page.keyboard.press('m');
    await alice.$('mute', '[data-state=off]').waitFor();
    await bob.$('peer-muted').waitFor();
    await seconds(1);
    const before = await bob.received();
    await seconds(3);
    const silent = await bob.received();
    assert.ok(silent.samples > before.samples, 'the stream goes on');
    assert.ok(silent.energy - before.energy < 1e-6, `energy ${silent.energy - before.energy} while muted`);
    await alice.page.keyboard.press('m');
    await until(() => bob.received(), (now) => now.energy - silent.energy > 1e-4, 'sound after unmuting');
    assert.equal(await bob.$('peer-muted').count(), 0);
  },

  'the camera goes off, and on again': async ({ server, open }) => {
    const [alice, bob] = await connect(open, server.http, '');
    await assertMediaFlows([alice, bob], 2);
    await alice.page.keyboard.press('v');
    await alice.$('self-view', '[data-camera=off]').waitFor();
    await bob.$('stage', '[data-peer-video=false]').waitFor();
    await seconds(1);
    const off = await bob.received();
    await seconds(2);
    assert.ok((await bob.received()).frames - off.frames <= 1, 'frames from a closed camera');
    await bob.screenshot('camera-off');
    await alice.$('camera').click();
    await bob.$('stage', '[data-peer-video=true]').waitFor();
    await until(() => bob.received(), (now) => now.frames > off.frames + 5, 'frames after the camera came back');
  },

  "a change of the callee's network restarts ICE, and media goes on": restarted((alice, bob) => [bob]),
  'a change of network on both sides at once restarts ICE, and media goes on': restarted((alice, bob) => [alice, bob]),

  'the server goes away and comes back; the call does not mind': async ({ server, open }) => {
    const people = await connect(open, server.http, '');
    people.forEach((person) => (person.expects = /WebSocket|ERR_CONNECTION|Failed to fetch|Failed to load/));
    await assertMediaFlows(people, 1);
    await server.stop();
    await Promise.all(people.map((person) => person.$('banner', '[data-state=shown]').waitFor()));
    await people[0].screenshot('server-away');
    await assertMediaFlows(people, 2);
    await server.run();
    await Promise.all(people.map((person) => person.$('banner', '[data-state=hidden]').waitFor({ state: 'attached', timeout: 30_000 })));
    await assertMediaFlows(people, 2);
    await people[0].page.keyboard.press('h');
    await Promise.all(people.map((person) => person.isBackAtPeople()));
  },
};
