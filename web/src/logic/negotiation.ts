// Perfect negotiation (RFC 8829 rollback, W3C webrtc-pc section 10.7): both sides may offer at any time; when two offers cross, the
// impolite side ignores the other's, the polite side withdraws its own.

/** What is used of an RTCPeerConnection. */
export interface Connection {
  readonly signalingState: string;
  readonly localDescription: { type: string; sdp: string } | null;
  setLocalDescription(): Promise<void>;
  setRemoteDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<void>;
  addIceCandidate(candidate: object): Promise<void>;
}

export interface Description {
  type: 'offer' | 'answer';
  sdp: string;
}

export class Negotiator {
  private makingOffer = false;
  private ignoringOffer = false;
  private settingAnswer = false;

  /** `beforeAnswer` runs between taking an offer and answering it: the moment to attach one's own media to what was offered. */
  constructor(
    private readonly connection: Connection,
    private readonly polite: boolean,
    private readonly send: (description: Description) => void,
    private readonly beforeAnswer: () => void | Promise<void> = () => {},
  ) {}

  /** On `negotiationneeded`. */
  async offer(): Promise<void> {
    this.makingOffer = true;
    try {
      await this.connection.setLocalDescription();
      this.sendLocal();
    } finally {
      this.makingOffer = false;
    }
  }

  async receive(description: Description): Promise<void> {
    const { connection } = this;
    // An answer to an offer that was withdrawn, or the second answer to an offer that was sent twice.
    if (description.type === 'answer' && connection.signalingState !== 'have-local-offer') return;

    const ready = !this.makingOffer && (connection.signalingState === 'stable' || this.settingAnswer);
    this.ignoringOffer = description.type === 'offer' && !ready && !this.polite;
    if (this.ignoringOffer) return;

    this.settingAnswer = description.type === 'answer';
    try {
      await connection.setRemoteDescription(description);
    } finally {
      this.settingAnswer = false;
    }
    if (description.type === 'offer') {
      await this.beforeAnswer();
      await connection.setLocalDescription();
      this.sendLocal();
    }
  }

  async receiveCandidates(candidates: object[]): Promise<void> {
    for (const candidate of candidates) {
      try {
        await this.connection.addIceCandidate(candidate);
      } catch (error) {
        // Candidates of an offer that was ignored have nowhere to go.
        if (!this.ignoringOffer) throw error;
      }
    }
  }

  /** Says again what may have been lost on the way. True when an offer was waiting for its answer. */
  repeat(): boolean {
    if (this.connection.signalingState !== 'have-local-offer') return false;
    this.sendLocal();
    return true;
  }

  private sendLocal(): void {
    const description = this.connection.localDescription;
    if (description?.type === 'offer' || description?.type === 'answer') {
      this.send({ type: description.type, sdp: description.sdp });
    }
  }
}

export function parseDescription(type: string, body: Record<string, unknown>): Description | undefined {
  const sdp = body['sdp'];
  if (typeof sdp !== 'string') return undefined;
  return { type: type === 'call-offer' ? 'offer' : 'answer', sdp };
}

export function parseCandidates(body: Record<string, unknown>): object[] {
  const list = body['candidates'];
  return Array.isArray(list) ? list.filter((item): item is object => typeof item === 'object' && item !== null) : [];
}
