// Ringing and ring-back, made of two sines: no sound file to load.

export class Tone {
  private context: AudioContext | undefined;
  private timer = 0;

  /** `incoming` rings, otherwise the soft tone that tells that it rings at the other end. */
  start(incoming: boolean): void {
    this.stop();
    // Without a gesture on the page browsers play nothing, and complain.
    if (navigator.userActivation?.hasBeenActive === false) return;
    this.context = new AudioContext();
    const strike = () => {
      if (incoming) navigator.vibrate?.([200, 100, 200]);
      const notes = incoming ? [659, 784, 659, 784] : [425];
      notes.forEach((note, index) => this.play(note, index * 0.22, incoming ? 0.2 : 0.9, incoming ? 0.12 : 0.04));
    };
    strike();
    this.timer = window.setInterval(strike, incoming ? 2_500 : 4_000);
  }

  stop(): void {
    clearInterval(this.timer);
    void this.context?.close();
    this.context = undefined;
  }

  private play(frequency: number, after: number, seconds: number, volume: number): void {
    const context = this.context;
    if (!context) return;
    const from = context.currentTime + after;
    const oscillator = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setTargetAtTime(volume, from, 0.02);
    gain.gain.setTargetAtTime(0, from + seconds - 0.06, 0.03);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(from);
    oscillator.stop(from + seconds + 0.2);
  }
}
