// What the page tells in passing: to everybody as a toast, or to screen readers alone.

import { signal } from '@preact/signals';

export type Tone = 'info' | 'warning';
export interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

export const toasts = signal<Toast[]>([]);
/** Text of the live region; a mark that is not spoken makes the same news twice two changes. */
export const spoken = signal('');

const shownMs = 6_000;
let last = 0;

export function toast(text: string, tone: Tone): void {
  const id = ++last;
  toasts.value = [...toasts.peek().slice(-2), { id, text, tone }];
  setTimeout(() => dismiss(id), shownMs);
}

export function dismiss(id: number): void {
  toasts.value = toasts.peek().filter((shown) => shown.id !== id);
}

export function announce(text: string): void {
  spoken.value = spoken.peek() === text ? `${text}\u200b` : text;
}
