// Chromium with a make-believe camera and microphone, and people who use the page in it.

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const artifacts = process.env.FAIRLEAD_ARTIFACTS ?? join(root, 'artifacts');
export const chromiumPath = process.env.FAIRLEAD_CHROMIUM || '/usr/bin/chromium';
export const hasChromium = existsSync(chromiumPath);

/** A name that leads to this machine without being "localhost": to the browser, a page of another computer. */
export const otherMachine = 'fairlead.test';

export async function launch(keyHash) {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Ten pictures a second are enough to see that they move, and two sides encode them on one machine.
      '--use-fake-device-for-media-stream=fps=10',
      '--use-fake-ui-for-media-stream',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      // The one self-signed certificate of this run, for https and, which --ignore-certificate-errors of older versions does not
      // cover, for TURN over TLS.
      `--ignore-certificate-errors-spki-list=${keyHash}`,
      `--host-resolver-rules=MAP ${otherMachine} 127.0.0.1`,
    ],
  });
}

/** Keeps the page's peer connections where a test can ask them for their numbers; the page itself shows none of them. */
function keepConnections() {
  const kept = (globalThis.keptConnections = []);
  const Real = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...configuration) {
      super(...configuration);
      kept.push(this);
    }
  };
}

export class Person {
  /** Opens the page. `query` is added to the address, `context` to the browser context's options. */
  static async open(browser, base, name, { query = '', context = {}, join: joins = true, before } = {}) {
    const person = new Person();
    person.name = name;
    person.complaints = [];
    person.context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1000, height: 700 }, ...context });
    await person.context.addInitScript(keepConnections);
    if (before) await person.context.addInitScript(before);
    person.page = await person.context.newPage();
    person.page.on('pageerror', (error) => person.complaints.push(`${name}: ${error.stack}`));
    person.page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) person.complaints.push(`${name}: ${message.text()}`);
    });
    person.page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(base).host) person.complaints.push(`${name}: asked ${request.url()}`);
    });
    const parameters = new URLSearchParams(query);
    if (joins) parameters.set('name', name);
    await person.page.goto(`${base}/?${parameters}`);
    if (joins) await person.page.locator('[data-testid=people][data-state=open][data-online=true]').waitFor();
    return person;
  }

  $(id, rest = '') {
    return this.page.locator(`[data-testid=${id}]${rest}`);
  }

  async call(other) {
    await this.$('person', `[data-name="${other.name}"]`).getByTestId('call').click();
  }

  async talks(timeout = 20_000) {
    await this.$('call-screen', '[data-state=connected]').waitFor({ timeout });
  }

  async isBackAtPeople() {
    await this.$('people').waitFor();
  }

  async state() {
    return (await this.$('call-screen').count()) === 0 ? undefined : this.$('call-screen').getAttribute('data-state');
  }

  /** Entries of the running call's statistics. */
  stats() {
    return this.page.evaluate(async () => [...(await globalThis.keptConnections.at(-1).getStats()).values()]);
  }

  async selectedPair() {
    const entries = await this.stats();
    const byId = (id) => entries.find((entry) => entry.id === id);
    const transport = entries.find((entry) => entry.type === 'transport');
    const pair = byId(transport?.selectedCandidatePairId);
    return pair && { local: byId(pair.localCandidateId), remote: byId(pair.remoteCandidateId), pair };
  }

  /** What arrived so far: decoded frames, samples and energy of the sound. */
  async received() {
    const inbound = (await this.stats()).filter((entry) => entry.type === 'inbound-rtp');
    const video = inbound.find((entry) => entry.kind === 'video');
    const audio = inbound.find((entry) => entry.kind === 'audio');
    return { frames: video?.framesDecoded ?? 0, samples: audio?.totalSamplesReceived ?? 0, energy: audio?.totalAudioEnergy ?? 0 };
  }

  /** Coarse grey values of the picture that the other side's video element shows now. */
  picture() {
    return this.$('remote-video').evaluate((video) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [64, 48];
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return Array.from({ length: data.length / 4 }, (_, i) => Math.round((data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3));
    });
  }

  async screenshot(label) {
    mkdirSync(artifacts, { recursive: true });
    await this.page.screenshot({ path: join(artifacts, `${label}.png`) });
  }

  async close() {
    await this.context.close();
  }
}

export const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));

/** Asks until the answer pleases. */
export async function until(ask, pleases, what, timeout = 15) {
  const end = Date.now() + timeout * 1000;
  for (;;) {
    const answer = await ask();
    if (pleases(answer)) return answer;
    if (Date.now() > end) throw new Error(`${what}: still ${JSON.stringify(answer)} after ${timeout} s`);
    await seconds(0.2);
  }
}
