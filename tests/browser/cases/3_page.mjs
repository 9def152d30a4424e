// The page itself: for keyboards and screen readers, on a phone, in five languages, and where the camera is refused.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { otherMachine, until } from '../support/browser.mjs';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const rules = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };

async function assertAccessible(person, where) {
  await person.page.waitForTimeout(400); // fades end; a half faded colour has half the contrast
  if (!(await person.page.evaluate(() => 'axe' in globalThis))) {
    // Through the debugger's door: the page's own policy lets no other script in.
    const session = await person.context.newCDPSession(person.page);
    const { readFileSync } = await import('node:fs');
    await session.send('Runtime.evaluate', { expression: readFileSync(axe, 'utf8') });
    await session.detach();
  }
  const { violations } = await person.page.evaluate((options) => globalThis.axe.run(document, options), rules);
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map((node) => `${node.html} ${node.any.map((any) => any.message)}`).join('\n    ')}`);
  assert.equal(found.length, 0, `${where}:\n  ${found.join('\n  ')}`);
}

/** Walks every screen of a call and looks at each. */
async function walk(open, base, look, options = {}) {
  const alice = await open(base, 'Alice', { ...options, join: false });
  await look(alice, 'join');
  await alice.$('name').fill('Alice');
  await alice.$('go-online').click();
  await alice.$('nobody').waitFor();
  await look(alice, 'alone');
  const bob = await open(base, 'Bob Ferreira', options);
  await alice.$('person').waitFor();
  await look(alice, 'people');
  await alice.call(bob);
  await bob.$('ring').waitFor();
  await look(alice, 'dialling');
  await look(bob, 'ringing');
  await bob.$('accept').click();
  await Promise.all([alice.talks(), bob.talks()]);
  await alice.$('path', '[data-kind=direct]').waitFor();
  await look(alice, 'call');
  await bob.$('mute').click();
  await bob.$('camera').click();
  await alice.$('stage', '[data-peer-video=false]').waitFor();
  await look(alice, 'peer-off');
  await look(bob, 'self-off');
  await alice.$('path').click();
  await look(alice, 'why');
  await alice.$('close-why').click();
  await alice.page.keyboard.press('?');
  await look(alice, 'help');
  await alice.page.keyboard.press('Escape');
  await bob.$('hang-up').click();
  await alice.$('toast').waitFor();
  await look(alice, 'ended');
  return [alice, bob];
}

const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** Nothing sticks out to the side, and every target is large enough for a thumb. */
async function assertFits(person, where) {
  const { wide, small } = await person.page.evaluate(() => ({
    wide: Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('dialog')].map((dialog) => dialog.getBoundingClientRect().right)) - innerWidth,
    small: [...document.querySelectorAll('button, a, select, input')]
      .filter((element) => element.offsetParent !== null || getComputedStyle(element).position === 'fixed')
      .map((element) => ({ name: element.dataset.testid ?? element.textContent, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 43.5 || box.height < 43.5 || box.left < -0.5 || box.right > innerWidth + 0.5)
      .map(({ name, box }) => `${name} ${Math.round(box.width)}x${Math.round(box.height)} at ${Math.round(box.left)}`),
  }));
  assert.ok(wide <= 0, `${where}: ${wide} px too wide`);
  assert.deepEqual(small, [], where);
}

export default {
  'passes the accessibility rules, light': ({ server, open }) => walk(open, server.http, assertAccessible, { context: { colorScheme: 'light' } }),
  'passes the accessibility rules, dark': ({ server, open }) => walk(open, server.http, assertAccessible, { context: { colorScheme: 'dark' } }),

  'fits a phone of 360 px': ({ server, open }) =>
    walk(open, server.http, async (person, where) => {
      await assertFits(person, where);
      await person.screenshot(`phone-${where}-${person.name.split(' ')[0]}`);
    }, { context: phone }),

  'fits a phone in German, the longest of the languages': ({ server, open }) => walk(open, server.http, assertFits, { context: { ...phone, locale: 'de-DE' } }),

  'a whole call by keyboard alone': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice', { join: false });
    const bob = await open(server.http, 'Bob');
    const keys = alice.page.keyboard;
    const focused = () => alice.page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.tagName);
    const tabTo = async (id) => {
      for (let count = 0; count < 20; ++count) {
        if ((await focused()) === id) {
          const ring = await alice.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
          assert.equal(ring, 'solid', `${id} does not show its focus`);
          return;
        }
        await keys.press('Tab');
      }
      assert.fail(`Tab does not lead to ${id}`);
    };
    await alice.page.locator('[data-testid=name]:focus').waitFor();
    await keys.type('Alice');
    await keys.press('Enter');
    await alice.$('person').waitFor();
    await tabTo('call');
    await keys.press('Enter');
    await bob.$('ring').waitFor();
    assert.equal(await bob.page.evaluate(() => document.activeElement.dataset.testid), 'accept');
    await bob.page.keyboard.press('Enter');
    await alice.talks();
    assert.equal(await focused(), 'H1', 'a screen reader is told where it is');
    await keys.press('m');
    await alice.$('mute', '[data-state=off]').waitFor();
    assert.equal(await alice.$('live').innerText(), 'Your microphone is off');
    await tabTo('path');
    await keys.press('Enter');
    await alice.$('why').waitFor();
    assert.equal(await focused(), 'close-why');
    for (let count = 0; count < 6; ++count) {
      await keys.press('Tab');
      assert.ok(await alice.page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null), 'the focus left the dialog');
    }
    await keys.press('Escape');
    assert.equal(await focused(), 'path', 'the focus is given back');
    await keys.press('?');
    await alice.$('help').waitFor();
    await keys.press('Escape');
    await keys.press('h');
    await alice.$('people').waitFor();
    await bob.$('people').waitFor();
  },

  'moves nothing for people who asked for that': async ({ server, open }) => {
    const look = async (person, where) => {
      const moving = await person.page.evaluate(() =>
        document.getAnimations().filter((animation) => animation.effect.getComputedTiming().activeDuration > 1).map((animation) => animation.animationName),
      );
      assert.deepEqual(moving, [], where);
    };
    await walk(open, server.http, look, { context: { reducedMotion: 'reduce' } });
  },

  'letters typed into the name are no shortcuts': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice', { join: false });
    await alice.page.locator('[data-testid=name]:focus').waitFor();
    await alice.page.keyboard.type('hm?v');
    assert.equal(await alice.$('name').inputValue(), 'hm?v');
    assert.equal(await alice.$('help').count(), 0);
  },

  'on plain http from another machine it says why there is no camera': async ({ server, open }) => {
    const alice = await open(`http://${otherMachine}:${server.ports.http}`, 'Alice', { join: false });
    alice.expects = /Cross-Origin-Opener-Policy header has been ignored/;
    await alice.$('insecure').waitFor();
    await alice.screenshot('insecure');
    await assertAccessible(alice, 'insecure');
    const link = new URL(await alice.$('https-link').getAttribute('href'));
    assert.equal(link.protocol, 'https:');
    assert.equal(link.hostname, otherMachine);
    const bob = await open(server.http, 'Bob');
    await alice.$('name').fill('Alice');
    await alice.$('go-online').click();
    await alice.call(bob);
    await bob.$('accept').click();
    await alice.talks();
    await alice.$('media-problem', '[data-problem=insecure]').waitFor();
    await bob.$('stage', '[data-peer-audio=false][data-peer-video=false]').waitFor();
  },

  'speaks five languages, and remembers which': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice', { join: false, context: { locale: 'pt-BR' } });
    const title = () => alice.page.locator('h1').innerText();
    assert.equal(await title(), 'Say who you are');
    for (const [tag, words] of [['de', 'Wer sind Sie?'], ['fr', 'Dites qui vous êtes'], ['es', 'Diga quién es'], ['ja', 'お名前を教えてください']]) {
      await alice.$('language').selectOption(tag);
      await alice.page.getByText(words).waitFor();
      assert.equal(await alice.page.evaluate(() => document.documentElement.lang), tag);
      await alice.screenshot(`language-${tag}`);
    }
    await alice.page.reload();
    await alice.page.getByText('お名前を教えてください').waitFor();
  },

  'has no text outside its catalogues': async ({ server, open }) => {
    await walk(
      open,
      server.http,
      async (person, where) => {
        const find = () => {
          const texts = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('option, kbd, noscript, .avatar')) texts.push(walker.currentNode.data);
          for (const element of document.querySelectorAll('[aria-label], [title]')) texts.push(element.getAttribute('aria-label') ?? '', element.title);
          return [...texts, document.title].filter((text) => /[a-z]{2,}/i.test(text.replace(/Alice|Bob Ferreira/g, '').replace(/\[[\da-f:.]+\]|\(.\)/g, '')));
        };
        await until(() => person.page.evaluate(find), (plain) => plain.length === 0, `text outside the catalogues, ${where}`, 3);
        await person.screenshot(`pseudo-${where}-${person.name.split(' ')[0]}`);
      },
      { query: 'lang=qps' },
    );
  },

  'is small, whole and its own': async ({ server, open }) => {
    const alice = await open(server.http, 'Alice', { join: false });
    const answer = await alice.page.request.get(`${server.http}/`);
    const policy = answer.headers()['content-security-policy'];
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe/);
    const loaded = await alice.page.evaluate(() =>
      [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')].map(({ name, transferSize }) => ({ name, transferSize })),
    );
    const total = loaded.reduce((sum, { transferSize }) => sum + transferSize, 0);
    assert.ok(total > 10_000 && total <= 60_000, `${total} bytes for the first page: ${JSON.stringify(loaded)}`);
  },
};
