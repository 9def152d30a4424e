// Ringing, refusing, crossing: what happens before and after the media.

import assert from 'node:assert/strict';
import { seconds, until } from '../support/browser.mjs';

const toast = (person, text) => person.$('toast').filter({ hasText: text }).first().waitFor();

export default {
  'typing a name leads to the others, and they hear of it': async ({ server, open }) => {
    const bob = await open(server.http, 'Bob');
    await bob.$('nobody').waitFor();
    const alice = await open(server.http, 'Alice', { join: false });
    await alice.$('name').fill('  Alice ');
    await alice.page.keyboard.press('Enter');
    await alice.$('person', '[data-name=Bob]').waitFor();
    await bob.$('person', '[data-name=Alice]').waitFor();
    assert.equal(await bob.$('live').innerText(), 'Alice is online');
    await alice.$('leave').click();
    await alice.$('join').waitFor();
    await bob.$('nobody').waitFor();
    assert.equal(await bob.$('live').innerText(), 'Alice went offline');
  },

  'a call can be refused': async ({ server, open }) => {
    const [alice, bob] = [await open(server.http, 'Alice'), await open(server.http, 'Bob')];
    await alice.call(bob);
    await bob.$('ring').getByText('Alice is calling').waitFor();
    await bob.$('refuse').click();
    await alice.isBackAtPeople();
    await toast(alice, 'Bob declined the call');
    assert.equal(await bob.$('ring').count(), 0);
  },

  'a call can be given up': async ({ server, open }) => {
    const [alice, bob] = [await open(server.http, 'Alice'), await open(server.http, 'Bob')];
    await alice.call(bob);
    await bob.$('ring').waitFor();
    await alice.$('hang-up').click();
    await bob.$('ring').waitFor({ state: 'detached' });
    await toast(bob, 'You missed a call from Alice');
  },

  'both ring at once and talk': async ({ server, open }) => {
    const [alice, bob] = [await open(server.http, 'Alice'), await open(server.http, 'Bob')];
    await alice.$('person').waitFor();
    await bob.$('person').waitFor();
    // In one turn of each page's loop, before either can hear of the other's.
    const click = (person) => person.page.evaluate(() => document.querySelector('[data-testid=call]').click());
    await Promise.all([click(alice), click(bob)]);
    await Promise.all([alice.talks(), bob.talks()]);
    const connections = await Promise.all([alice, bob].map((person) => person.page.evaluate(() => globalThis.keptConnections.length)));
    assert.deepEqual(connections, [1, 1]);
  },

  'a third caller finds the line busy': async ({ server, open }) => {
    const [alice, bob] = [await open(server.http, 'Alice'), await open(server.http, 'Bob')];
    await alice.call(bob);
    await bob.$('accept').click();
    await bob.talks();
    const carol = await open(server.http, 'Carol');
    await carol.call(bob);
    await toast(carol, 'Bob is busy');
    await toast(bob, 'Carol tried to call you');
    assert.equal(await bob.state(), 'connected');
  },

  'a reload hangs up': async ({ server, open }) => {
    const [alice, bob] = [await open(server.http, 'Alice'), await open(server.http, 'Bob')];
    await alice.call(bob);
    await bob.$('accept').click();
    await Promise.all([alice.talks(), bob.talks()]);
    await alice.page.reload();
    await bob.isBackAtPeople();
    await toast(bob, 'Alice hung up');
  },

  'a page that vanishes without a word is let go when its media is gone': async ({ server, open }) => {
    const [alice, bob] = [await open(server.http, 'Alice'), await open(server.http, 'Bob')];
    bob.expects = /WebSocket|ERR_/;
    await alice.call(bob);
    await bob.$('accept').click();
    await Promise.all([alice.talks(), bob.talks()]);
    const session = await alice.context.newCDPSession(alice.page);
    session.send('Page.crash').catch(() => {}); // nobody is left to answer
    await bob.$('call-screen', '[data-state=interrupted]').waitFor({ timeout: 30_000 });
    await bob.$('banner', '[data-state=shown]').getByText('Reconnecting').waitFor();
    await bob.$('hang-up').click();
    await bob.isBackAtPeople();
  },

  'calls are accepted unasked where the address says so': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice');
    const bob = await open(server.http, 'Bob', { query: 'autoaccept=1' });
    await alice.call(bob);
    await Promise.all([alice.talks(), bob.talks()]);
  },

  'without permission for the camera one still sees and hears, and is told what to do': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice');
    const bob = await open(server.http, 'Bob', {
      before: () => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))),
    });
    await alice.call(bob);
    await bob.$('accept').click();
    await Promise.all([alice.talks(), bob.talks()]);
    await bob.$('media-problem', '[data-problem=denied]').waitFor();
    await alice.$('stage', '[data-peer-audio=false][data-peer-video=false]').waitFor();
    await until(() => bob.received(), ({ frames, energy }) => frames > 5 && energy > 0, 'sound and picture for the one without');
  },

  'without a camera there is sound': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice', {
      before: () => {
        const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wish) => (wish.video ? Promise.reject(new DOMException('no', 'NotFoundError')) : real(wish));
      },
    });
    const bob = await open(server.http, 'Bob');
    await bob.call(alice);
    await alice.$('accept').click();
    await Promise.all([alice.talks(), bob.talks()]);
    await alice.$('media-problem', '[data-problem=noCamera]').waitFor();
    await bob.$('stage', '[data-peer-audio=true][data-peer-video=false]').waitFor();
    await until(() => bob.received(), ({ energy }) => energy > 0, 'sound');
  },

  'names are text, whatever they look like': async ({ server, open }) => {
    const name = '<img src=x onerror=document.title=1>&amp;';
    const alice = await open(server.http, 'Alice');
    const odd = await open(server.http, name);
    await alice.$('person').getByText(name, { exact: true }).waitFor();
    await odd.$('person', '[data-name=Alice]').getByTestId('call').click();
    await alice.$('ring').getByText(`${name} is calling`).waitFor();
    await seconds(0.3);
    assert.equal(await alice.page.locator('img').count(), 0);
    assert.notEqual(await alice.page.title(), '1');
  },

  'a name that the server refuses can be changed': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice', { join: false });
    alice.expects = /WebSocket|Failed to load resource/;
    await alice.page.goto(`${server.http}/?name=${encodeURIComponent('x'.repeat(2000))}`);
    await alice.$('refused').waitFor({ timeout: 20_000 });
    await alice.$('refused').getByRole('button').click();
    await alice.$('join').waitFor();
  },
};
