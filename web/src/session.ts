// One visit: the presence channel, the call machine and the peer connection, and what the page shows of them as signals.

import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { step, idle, patience, type CallEvent, type CallState, type Effect } from './logic/call.ts';
import { developmentIssuer, keyOf, nameOf, selfTest, type UserId, type UserInfo } from './logic/identity.ts';
import { readOptions } from './logic/options.ts';
import { unknownPath, type Path } from './logic/path.ts';
import { follow, isPresence, nobody, others, type Frame, type Roster } from './logic/presence.ts';
import { userOfToken } from './logic/token.ts';
import { Awake } from './io/awake.ts';
import { LocalMedia, type MediaProblem } from './io/media.ts';
import { Peer, type Flow, type PeerMedia } from './io/peer.ts';
import { RtcConfigSource } from './io/rtc_config.ts';
import { Signaling, type Link } from './io/signaling.ts';
import { Tone } from './io/tone.ts';
import { announce, toast } from './ui/news.ts';
import { language, t } from './ui/text.ts';

export interface OwnMedia {
  stream: MediaStream;
  microphoneOn: boolean;
  cameraOn: boolean;
  hasMicrophone: boolean;
  canFlip: boolean;
  mirrored: boolean;
}

export const options = readOptions(location.search, location.hash);

export const name = signal('');
export const link = signal<Link>({ state: 'closed' });
export const networkUp = signal(navigator.onLine);
export const call = signal<CallState>(idle);
export const flow = signal<Flow>('connecting');
export const connectedAt = signal<number | undefined>(undefined);
export const path = signal<Path>(unknownPath);
export const own = signal<OwnMedia | undefined>(undefined);
export const mediaProblem = signal<MediaProblem | undefined>(undefined);
export const remote = signal<MediaStream | undefined>(undefined);
export const peerMedia = signal<PeerMedia>({ audio: true, video: true });
export const httpsPort = signal<number | undefined>(undefined);

const roster = signal<Roster>(nobody);
const isSelf = signal<(user: UserInfo) => boolean>(() => false);

export const self = computed(() => [...roster.value.values()].find((user) => isSelf.value(user)));
export const people = computed(() => others(roster.value, isSelf.value, language.value));
export const development = computed(() => self.value?.['issuer'] === developmentIssuer);

const verified = options.token ? userOfToken(options.token) : undefined;
export const verifiedName = verified && nameOf(verified);
const configs = new RtcConfigSource(options.token);
const tone = new Tone();
const awake = new Awake();
let signaling: Signaling | undefined;
let peer: Peer | undefined;
let media: Promise<LocalMedia> | undefined;
let opened: LocalMedia | undefined;

// Where the page cannot use the camera it points to the address where it can.
if (!window.isSecureContext) void configs.current().then(() => (httpsPort.value = configs.httpsPort));

/** Whether a relay was asked for, by this page's address or by the server: then it tells nothing about the network. */
export const isRelayAsked = (): boolean => options.relayOnly || options.transport !== undefined || configs.relayOnly;

/** The name that others see of somebody, also when only the id is at hand. */
export function displayName(user: UserId): string {
  return nameOf(roster.value.get(keyOf(user)) ?? user);
}

export function goOnline(as: string): void {
  const query = options.token ? `oidc=${encodeURIComponent(options.token)}` : `name=${encodeURIComponent(as)}`;
  name.value = as;
  isSelf.value = selfTest(as, verified);
  signaling = new Signaling(`${location.origin}/presence?${query}`, {
    link: (next) => {
      const returned = link.value.state !== 'open' && next.state === 'open' && roster.value !== nobody;
      link.value = next;
      if (returned) {
        announce(t('link.back'));
        peer?.resume();
      }
    },
    frame: receive,
  });
  signaling.open();
  void configs.current();
}

export function goOffline(): void {
  if (call.value.phase !== 'idle') act({ kind: 'hang-up' });
  signaling?.close();
  signaling = undefined;
  batch(() => {
    name.value = '';
    roster.value = nobody;
    call.value = idle;
  });
}

export const dial = (to: UserId): void => act({ kind: 'dial', peer: to, call: newCallId() });
export const accept = (): void => act({ kind: 'accept' });
export const refuse = (): void => act({ kind: 'refuse' });
export const hangUp = (): void => act({ kind: 'hang-up' });
export const retryNow = (): void => signaling?.retry();

export function toggleMicrophone(): void {
  if (!opened?.audio) return;
  opened.setMicrophone(!opened.microphoneOn);
  announce(t(opened.microphoneOn ? 'call.self.unmuted' : 'call.self.muted'));
  showOwn();
  void peer?.announceMedia();
}

let cameraWork: Promise<unknown> = Promise.resolve();

export function toggleCamera(): void {
  onCamera(async (camera) => {
    await camera.setCamera(!camera.cameraOn);
    announce(t(camera.cameraOn ? 'call.self.cameraOn' : 'call.self.cameraOff'));
  });
}

export const flipCamera = (): void => onCamera((camera) => camera.flip());

/** One change after the other: opening a camera takes its time, and fingers are faster. */
function onCamera(change: (camera: LocalMedia) => Promise<void>): void {
  const camera = opened;
  if (!camera) return;
  cameraWork = cameraWork.then(async () => {
    await change(camera);
    if (camera !== opened) return;
    showOwn();
    await peer?.replaceVideo(camera.video);
  });
}

function receive(frame: Frame): void {
  if (isPresence(frame)) {
    const { roster: next, announcements } = follow(roster.value, frame);
    roster.value = next;
    for (const { kind, user } of announcements) {
      if (isSelf.value(user)) continue;
      announce(t(kind === 'online' ? 'news.online' : 'news.offline', { name: nameOf(user) }));
      const current = call.value;
      const partner = current.phase !== 'idle' && keyOf(current.peer) === keyOf(user);
      if (kind === 'offline') act({ kind: 'peer-offline', peer: user });
      else if (partner) peer?.resume();
    }
    return;
  }
  if (frame.type === 'error') explain(frame);
  act({ kind: 'frame', frame });
  if (call.value.phase === 'ringing' && options.autoAccept && development.value) accept();
}

/** An undelivered ring ends the dialling, and says so by that; anything else is told. */
function explain(frame: Frame): void {
  const { code, type, target } = (frame.body ?? {}) as { code?: unknown; type?: unknown; target?: UserId };
  const current = call.value;
  const dialling = current.phase === 'dialling' && type === 'call-ring';
  // Goodbyes to somebody who has left, and candidates for somebody who is just coming back, are not worth a word.
  const quiet = ['hang-up', 'call-refuse', 'call-busy', 'call-media', 'call-restart', 'new-icecandidate'].includes(String(type));
  if (!dialling && !quiet && target) toast(t('news.undelivered', { name: displayName(target), code: String(code) }), 'warning');
}

function act(event: CallEvent): void {
  const before = call.value;
  const { state, effects } = step(before, event);
  batch(() => {
    call.value = state;
    effects.forEach(perform);
  });
}

function perform(done: Effect): void {
  switch (done.kind) {
    case 'send':
      return signaling?.send({ type: done.type, target: done.to, body: done.body });
    case 'negotiate':
      return peer?.handle(done.type, done.body);
    case 'turned-away':
      return toast(t('news.turnedAway', { name: displayName(done.peer) }), 'info');
  }
}

// Effects that sends do not cover follow the state itself: whoever watches it cannot miss a way in or out.
effect(() => {
  const state = call.value;
  const wait = patience(state);
  const timer = wait === undefined ? 0 : window.setTimeout(() => act({ kind: 'timeout' }), wait);
  if (state.phase === 'ringing') tone.start(true);
  else if (state.phase === 'dialling') tone.start(false);
  awake.set(state.phase !== 'idle');
  if (state.phase === 'idle' && state.last) {
    const { ending, peer: from } = state.last;
    untracked(() => toast(t(`ended.${ending}`, { name: displayName(from) }), ending === 'lost' || ending === 'offline' ? 'warning' : 'info'));
  }
  return () => {
    clearTimeout(timer);
    tone.stop();
  };
});

const needsMedia = computed(() => call.value.phase === 'dialling' || call.value.phase === 'active');
const running = computed(() => (call.value.phase === 'active' ? call.value.call : undefined));

function ownMedia(): Promise<LocalMedia> {
  if (media) return media;
  const opening = LocalMedia.open();
  media = opening;
  void opening.then((mine) => {
    if (media !== opening) return mine.close();
    opened = mine;
    mediaProblem.value = mine.problem;
    mine.onLoss = () => {
      showOwn();
      void peer?.replaceVideo(mine.video);
    };
    showOwn();
  });
  return opening;
}

effect(() => {
  if (!needsMedia.value) return undefined;
  void ownMedia();
  return () => {
    media = undefined;
    opened?.close();
    opened = undefined;
    batch(() => {
      own.value = undefined;
      mediaProblem.value = undefined;
    });
  };
});

effect(() => {
  const id = running.value;
  const state = call.peek();
  if (id === undefined || state.phase !== 'active') return undefined;
  const to = state.peer;
  const mine = new Peer(state.polite, options, configs, ownMedia(), {
    send: (type, body) => signaling?.send({ type, target: to, body: { call: id, ...body } }),
    flow: (next) => {
      if (next === 'connected') {
        announce(t(connectedAt.value === undefined ? 'call.connected' : 'call.restored', { name: displayName(to) }));
        connectedAt.value ??= Date.now();
      } else if (next === 'interrupted') {
        announce(t('call.interrupted'));
      }
      flow.value = next;
    },
    path: (next) => (path.value = next),
    peerMedia: (next) => (peerMedia.value = next),
    lost: () => act({ kind: 'media-lost' }),
  });
  peer = mine;
  remote.value = mine.remote;
  return () => {
    mine.close();
    peer = undefined;
    batch(() => {
      remote.value = undefined;
      flow.value = 'connecting';
      connectedAt.value = undefined;
      path.value = unknownPath;
      peerMedia.value = { audio: true, video: true };
    });
  };
});

function showOwn(): void {
  if (!opened) return;
  own.value = {
    stream: opened.stream,
    microphoneOn: opened.microphoneOn,
    cameraOn: opened.cameraOn,
    hasMicrophone: opened.audio !== null,
    canFlip: opened.canFlip,
    mirrored: opened.mirrored,
  };
}

function newCallId(): string {
  // randomUUID exists in secure contexts only; getRandomValues everywhere.
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

window.addEventListener('online', () => {
  networkUp.value = true;
  signaling?.retry();
  peer?.networkChanged();
});
window.addEventListener('offline', () => (networkUp.value = false));
// Phones tell when they go from one network to another; most of these events only mean that an estimate has changed.
const network = (navigator as { connection?: EventTarget & { type?: string } }).connection;
let networkType = network?.type;
network?.addEventListener('change', () => {
  if (network.type === networkType) return;
  networkType = network.type;
  if (!navigator.onLine) return;
  signaling?.retry();
  peer?.networkChanged();
});
// A closed or reloaded page says goodbye, so that the other side need not wait for silence.
window.addEventListener('pagehide', () => {
  if (call.value.phase !== 'idle') act({ kind: 'hang-up' });
});
