// One side of a conversation between two browsers: node browser_peer.mjs OPTIONS, a JSON object with
//
//   iceServers   as for RTCPeerConnection
//   offers       true for the side that begins
//   messages     how many each side sends through the data channel
//   patience     seconds to wait for a connection
//   keyHash      of a certificate that TURN over TLS may have, base64 of the SHA-256 of its public key
//
// Descriptions, all candidates in them, go out on standard output and come in on standard input, a line of JSON each. The last
// line tells how it went: {"outcome": "connected", "heard": 20, "candidate": "relay", "protocol": "udp"}, or "not connected".

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { chromium } = createRequire(new URL('../browser/package.json', import.meta.url))('playwright-core');
const options = { messages: 20, patience: 15, ...JSON.parse(process.argv[2]) };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const hear = async () => JSON.parse((await lines.next()).value);

const browser = await chromium.launch({
  executablePath: process.env.FAIRLEAD_CHROMIUM || '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-features=WebRtcHideLocalIpsWithMdns',
    ...(options.keyHash ? [`--ignore-certificate-errors-spki-list=${options.keyHash}`] : []),
  ],
});
try {
  const page = await browser.newPage();
  const description = await page.evaluate(begin, options);
  if (options.offers) {
    say(description);
    await page.evaluate(accept, await hear());
  } else {
    say(await page.evaluate(accept, await hear()));
  }
  say(await page.evaluate(converse, options));
} finally {
  await browser.close();
}

// The functions below run in the page.

async function begin({ iceServers, offers }) {
  const connection = (globalThis.connection = new RTCPeerConnection({ iceServers }));
  globalThis.gathered = () =>
    new Promise((resolve) => {
      const check = () => connection.iceGatheringState === 'complete' && resolve(connection.localDescription.toJSON());
      connection.addEventListener('icegatheringstatechange', check);
      // A server that does not answer holds gathering up; what is there by then is what there is.
      setTimeout(() => resolve(connection.localDescription.toJSON()), 8000);
      check();
    });
  globalThis.channel = connection.createDataChannel('words', { negotiated: true, id: 1 });
  if (!offers) return undefined;
  await connection.setLocalDescription();
  return globalThis.gathered();
}

async function accept(description) {
  await globalThis.connection.setRemoteDescription(description);
  if (description.type === 'answer') return undefined;
  await globalThis.connection.setLocalDescription();
  return globalThis.gathered();
}

async function converse({ messages, patience }) {
  const { connection, channel } = globalThis;
  const within = (seconds, promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, seconds * 1000, 'late'))]);
  const heard = new Set();
  const all = new Promise((resolve) => {
    channel.onmessage = ({ data }) => heard.add(data).size === messages && resolve();
  });
  const open = new Promise((resolve) => (channel.readyState === 'open' ? resolve() : (channel.onopen = resolve)));
  if ((await within(patience, open)) === 'late') return { outcome: 'not connected', state: connection.iceConnectionState };
  for (let i = 0; i < messages; ++i) channel.send(`word ${i}`);
  await within(10, all);
  await new Promise((resolve) => setTimeout(resolve, 500)); // what the other side still waits for may be on its way
  const stats = await connection.getStats();
  const transport = [...stats.values()].find(({ type }) => type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  const local = stats.get(pair.localCandidateId);
  return { outcome: 'connected', heard: heard.size, candidate: local.candidateType, protocol: local.relayProtocol ?? local.protocol };
}
