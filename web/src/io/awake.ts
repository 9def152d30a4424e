// Keeps the screen on while a call lasts; the browser lets go of it whenever the page is hidden.

export class Awake {
  private lock: WakeLockSentinel | undefined;
  private wanted = false;

  constructor() {
    document.addEventListener('visibilitychange', () => void this.take());
  }

  set(wanted: boolean): void {
    this.wanted = wanted;
    if (wanted) {
      void this.take();
    } else {
      void this.lock?.release();
      this.lock = undefined;
    }
  }

  private async take(): Promise<void> {
    if (!this.wanted || document.visibilityState !== 'visible') return;
    try {
      this.lock = await navigator.wakeLock?.request('screen');
      if (!this.wanted) await this.lock?.release();
    } catch {
      // A low battery refuses it; the call goes on.
    }
  }
}
