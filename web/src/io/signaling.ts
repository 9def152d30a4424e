// The WebSocket of the presence channel: kept open, re-opened with back-off, and what is said meanwhile is said later.

import { delayBefore } from '../logic/backoff.ts';
import { parseFrame, type Frame } from '../logic/presence.ts';
import type { UserId } from '../logic/identity.ts';

export type Link =
  | { state: 'closed' }
  | { state: 'connecting' }
  | { state: 'open' }
  | { state: 'waiting' }
  | { state: 'refused'; why: 'refused' | 'missing' };

export interface Outgoing {
  type: string;
  target?: UserId;
  body?: unknown;
}

interface Events {
  link(link: Link): void;
  frame(frame: Frame): void;
}

const listEveryMs = 20_000;
const silenceMs = 35_000;
/** What could not be said for longer than this is no longer true. */
const staleMs = 30_000;
const keptAtMost = 64;
/** A connection that did not last this long counts as a failed attempt. */
const lastingMs = 10_000;

const policyViolation = 1008;
const tokenExpired = 4401;

export class Signaling {
  private socket: WebSocket | undefined;
  private attempt = 0;
  private timer = 0;
  private watch = 0;
  private openedAt = 0;
  private heardAt = 0;
  private askedAt = 0;
  private closed = false;
  private unsaid: { at: number; text: string }[] = [];

  constructor(
    private readonly url: string,
    private readonly on: Events,
  ) {}

  open(): void {
    clearTimeout(this.timer);
    this.on.link({ state: 'connecting' });
    const socket = new WebSocket(this.url.replace(/^http/, 'ws'));
    this.socket = socket;
    let opened = false;
    let heard = false;
    socket.onopen = () => {
      opened = true;
      this.openedAt = Date.now();
      this.heardAt = Date.now();
      this.watch = window.setInterval(() => this.check(), 1_000);
      this.askForList();
      this.on.link({ state: 'open' });
      for (const { at, text } of this.unsaid.splice(0)) {
        if (Date.now() - at < staleMs) socket.send(text);
      }
    };
    socket.onmessage = ({ data }) => {
      heard = true;
      this.heardAt = Date.now();
      const frame = typeof data === 'string' ? parseFrame(data) : undefined;
      if (frame) this.on.frame(frame);
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      const turnedAway = (code === policyViolation && opened && !heard) || code === tokenExpired;
      if (turnedAway) this.refused('refused');
      else void this.lost(opened);
    };
  }

  send(message: Outgoing): void {
    const text = JSON.stringify(message);
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(text);
    } else {
      this.unsaid.push({ at: Date.now(), text });
      if (this.unsaid.length > keptAtMost) this.unsaid.shift();
    }
  }

  /** Do not wait for the next attempt: the network is back, or somebody is impatient. */
  retry(): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      // It may be open in name only. An answer within five seconds says otherwise.
      this.heardAt = Math.min(this.heardAt, Date.now() - silenceMs + 5_000);
      this.askForList();
    } else if (this.socket?.readyState !== WebSocket.CONNECTING) {
      this.attempt = 0;
      this.open();
    }
  }

  close(): void {
    this.closed = true;
    this.drop();
    this.on.link({ state: 'closed' });
  }

  private drop(): void {
    clearTimeout(this.timer);
    clearInterval(this.watch);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private askForList(): void {
    this.askedAt = Date.now();
    this.send({ type: 'userList' });
  }

  /** Browsers do not tell when a connection has died silently, so the list is asked for now and then and the answer waited for. */
  private check(): void {
    const now = Date.now();
    if (now - this.heardAt > silenceMs) {
      this.drop();
      void this.lost(true);
    } else if (now - Math.max(this.askedAt, this.heardAt) > listEveryMs) {
      this.askForList();
    }
  }

  private refused(why: 'refused' | 'missing'): void {
    this.drop();
    this.on.link({ state: 'refused', why });
  }

  private async lost(wasOpen: boolean): Promise<void> {
    clearInterval(this.watch);
    this.socket = undefined;
    this.on.link({ state: 'waiting' });
    if (wasOpen) {
      if (Date.now() - this.openedAt > lastingMs) this.attempt = 0;
    } else {
      const why = await this.refusal();
      if (this.socket || this.closed) return;
      if (why) return this.refused(why);
    }
    this.timer = window.setTimeout(() => this.open(), delayBefore(this.attempt++, Math.random()));
  }

  /** A script does not learn why a WebSocket was refused; the same request without the upgrade tells. */
  private async refusal(): Promise<'refused' | 'missing' | undefined> {
    try {
      const { status } = await fetch(this.url, { cache: 'no-store' });
      if (status === 404) return 'missing';
      // A server that asks for an upgrade and then does not take it means no; once, it may only just have come up.
      if (status === 426) return this.attempt >= 2 ? 'refused' : undefined;
      return status === 400 || status === 401 || status === 403 ? 'refused' : undefined;
    } catch {
      return undefined;
    }
  }
}
