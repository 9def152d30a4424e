// The list of ICE servers, asked for early and again before it runs out.

import { parseRtcConfig, refreshAfter, type RtcConfig } from '../logic/ice_servers.ts';

export class RtcConfigSource {
  private newest: RtcConfig = parseRtcConfig({});
  private asking: Promise<void> | undefined;
  private staleAt = 0;

  /** Port of the same pages over https, where the server names it. */
  httpsPort: number | undefined;

  constructor(private readonly token: string | undefined) {}

  get relayOnly(): boolean {
    return this.newest.iceTransportPolicy === 'relay';
  }

  async current(): Promise<RtcConfig> {
    if (Date.now() >= this.staleAt) {
      this.asking ??= this.ask().finally(() => (this.asking = undefined));
      await this.asking;
    }
    return this.newest;
  }

  private async ask(): Promise<void> {
    try {
      const headers: HeadersInit = this.token ? { Authorization: `Bearer ${this.token}` } : {};
      const answer = await fetch('/rtcconfig', { cache: 'no-store', headers, signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) throw new Error(`/rtcconfig: ${answer.status}`);
      this.httpsPort = Number(answer.headers.get('Fairlead-Https-Port')) || undefined;
      this.newest = parseRtcConfig(await answer.json());
      this.staleAt = Date.now() + refreshAfter(this.newest);
    } catch (error) {
      // Without the list two browsers of one network still find each other; the next call asks again.
      console.warn(error);
    }
  }
}
