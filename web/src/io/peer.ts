// The peer connection of one call: media on it, descriptions and candidates through the channel, restarts when the network changes.

import { Negotiator, parseCandidates, parseDescription, type Connection } from '../logic/negotiation.ts';
import { onlyTransport, type RtcConfig } from '../logic/ice_servers.ts';
import type { Options } from '../logic/options.ts';
import { readPath, received, type Path, type ReceivedSoFar, type StatsEntry } from '../logic/path.ts';
import { repair, type IceState } from '../logic/repair.ts';
import type { LocalMedia } from './media.ts';
import type { RtcConfigSource } from './rtc_config.ts';

export interface PeerMedia {
  audio: boolean;
  video: boolean;
}

export type Flow = 'connecting' | 'connected' | 'interrupted';

interface Events {
  send(type: string, body: Record<string, unknown>): void;
  flow(flow: Flow): void;
  path(path: Path): void;
  peerMedia(media: PeerMedia): void;
  lost(): void;
}

/** The server lets one message per 100 ms through to one user, so candidates travel together. */
const candidatesEveryMs = 100;
const candidatesTogether = 32;

export class Peer {
  /** The other side's tracks as they come. */
  readonly remote = new MediaStream();
  private connection: RTCPeerConnection | undefined;
  private negotiator: Negotiator | undefined;
  private inbox: Promise<void>;
  private candidates: RTCIceCandidateInit[] = [];
  private candidateTimer = 0;
  private readonly heartbeat: number;
  private closed = false;
  private flowing = false;
  private flowedAt = Date.now();
  private restartedAt = -Infinity;
  private receivedBefore: ReceivedSoFar | undefined;
  private attached = false;

  constructor(
    private readonly polite: boolean,
    private readonly options: Options,
    private readonly configs: RtcConfigSource,
    private readonly media: Promise<LocalMedia>,
    private readonly on: Events,
  ) {
    this.inbox = this.start().catch((error: unknown) => {
      // A list of servers that the browser does not accept: better an end than a call that never begins.
      console.warn(error);
      this.on.lost();
    });
    this.heartbeat = window.setInterval(() => void this.beat(), 1_000);
  }

  /** Takes a message of the call; they are worked off one after the other. */
  handle(type: string, body: Record<string, unknown>): void {
    this.inbox = this.inbox.then(() => this.receive(type, body)).catch((error: unknown) => console.warn(error));
  }

  /** The channel, or the peer, is back: what was said meanwhile may be lost. */
  resume(): void {
    if (this.flowing) void this.announceMedia();
    if (this.negotiator?.repeat()) return;
    if (this.connection && !this.flowing && this.attached) void this.restart();
  }

  /** The network changed under one of us: do not wait until the old path has timed out. */
  networkChanged(): void {
    if (this.attached && Date.now() - this.restartedAt > 1_000) void this.restart();
  }

  async replaceVideo(track: MediaStreamTrack | null): Promise<void> {
    const transceiver = this.connection?.getTransceivers().find((t) => t.receiver.track.kind === 'video');
    await transceiver?.sender.replaceTrack(track);
    await this.announceMedia();
  }

  async announceMedia(): Promise<void> {
    const media = await this.media;
    if (!this.closed) this.on.send('call-media', { audio: media.microphoneOn, video: media.cameraOn });
  }

  close(): void {
    this.closed = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.candidateTimer);
    this.connection?.close();
  }

  private async start(): Promise<void> {
    const config = this.configure(await this.configs.current());
    if (this.closed) return;
    const connection = new RTCPeerConnection(config);
    this.connection = connection;
    this.negotiator = new Negotiator(
      connection as Connection,
      this.polite,
      ({ type, sdp }) => this.on.send(type === 'offer' ? 'call-offer' : 'call-answer', { sdp }),
      () => this.attachToOffer(),
    );
    connection.onnegotiationneeded = () => this.negotiator!.offer().catch((error: unknown) => console.warn(error));
    connection.onicecandidate = ({ candidate }) => candidate && this.gather(candidate.toJSON());
    connection.oniceconnectionstatechange = () => this.iceChanged();
    connection.ontrack = ({ track }) => this.remote.addTrack(track);
    // The one who called speaks first: with an offer from both sides every call would begin with a collision.
    if (!this.polite) await this.attachToCall(connection);
  }

  private configure(config: RtcConfig): RTCConfiguration {
    const { transport, relayOnly } = this.options;
    return {
      iceServers: transport ? onlyTransport(config.iceServers, transport) : config.iceServers,
      iceTransportPolicy: relayOnly ? 'relay' : config.iceTransportPolicy,
      bundlePolicy: 'max-bundle',
    };
  }

  private async attachToCall(connection: RTCPeerConnection): Promise<void> {
    const media = await this.media;
    if (this.closed) return;
    // Always both kinds and both directions: switching something on or off is then a matter of tracks, not of another offer.
    connection.addTransceiver(media.audio ?? 'audio', { direction: 'sendrecv', streams: [media.stream] });
    connection.addTransceiver(media.video ?? 'video', { direction: 'sendrecv', streams: [media.stream] });
    this.attached = true;
  }

  private async attachToOffer(): Promise<void> {
    if (this.attached) return;
    const media = await this.media;
    if (this.closed) return;
    for (const transceiver of this.connection!.getTransceivers()) {
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(media.stream);
      await transceiver.sender.replaceTrack(transceiver.receiver.track.kind === 'audio' ? media.audio : media.video);
    }
    this.attached = true;
  }

  private async receive(type: string, body: Record<string, unknown>): Promise<void> {
    if (this.closed || !this.negotiator) return;
    if (type === 'call-restart') {
      if (!this.polite) this.networkChanged();
    } else if (type === 'call-media') {
      this.on.peerMedia({ audio: body['audio'] === true, video: body['video'] === true });
    } else if (type === 'new-icecandidate') {
      await this.negotiator.receiveCandidates(parseCandidates(body));
    } else {
      const description = parseDescription(type, body);
      if (description) await this.negotiator.receive(description);
    }
  }

  private gather(candidate: RTCIceCandidateInit): void {
    this.candidates.push(candidate);
    if (this.candidates.length >= candidatesTogether) this.sendCandidates();
    else if (this.candidates.length === 1) this.candidateTimer = window.setTimeout(() => this.sendCandidates(), candidatesEveryMs);
  }

  private sendCandidates(): void {
    clearTimeout(this.candidateTimer);
    if (!this.closed) this.on.send('new-icecandidate', { candidates: this.candidates.splice(0) });
  }

  private iceChanged(): void {
    const state = this.connection!.iceConnectionState;
    const flowing = state === 'connected' || state === 'completed';
    if (flowing !== this.flowing) {
      this.flowing = flowing;
      this.flowedAt = Date.now();
      this.on.flow(flowing ? 'connected' : 'interrupted');
      // Not earlier: it would take the offer's turn on the channel.
      if (flowing) void this.announceMedia();
    }
    void this.mend();
  }

  private async beat(): Promise<void> {
    await this.mend();
    if (this.closed || !this.connection) return;
    const entries: StatsEntry[] = [];
    (await this.connection.getStats()).forEach((entry: StatsEntry) => entries.push(entry));
    if (this.closed) return;
    this.on.path(readPath(entries, this.receivedBefore));
    this.receivedBefore = received(entries);
  }

  private async mend(): Promise<void> {
    if (this.closed || this.flowing) return;
    const now = Date.now();
    const state: IceState = this.connection?.iceConnectionState ?? 'new';
    const health = { silentMs: now - this.flowedAt, sinceRestartMs: now - this.restartedAt };
    switch (repair(state, health, this.polite)) {
      case 'give-up':
        return this.on.lost();
      case 'restart':
        return this.restart();
      case 'none':
    }
  }

  private async restart(): Promise<void> {
    this.restartedAt = Date.now();
    // Relay credentials may have run out since the call began.
    const config = this.configure(await this.configs.current());
    if (this.closed || !this.connection) return;
    this.connection.setConfiguration(config);
    if (this.polite) {
      // An offer of its own might cross the other's and be rolled back, and Chromium shows a still of a video that was flowing when
      // an offer is rolled back. (Seen with 156; no new stream or track helps.) Its answer restarts ICE just as well.
      this.on.send('call-restart', {});
      return;
    }
    this.connection.restartIce();
    this.negotiator?.repeat();
  }
}
