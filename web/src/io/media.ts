// The camera and the microphone of this side.

export type MediaProblem = 'insecure' | 'denied' | 'noCamera' | 'none';
export type Facing = 'user' | 'environment';

const sound: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const picture = (facing: Facing): MediaTrackConstraints => ({
  facingMode: facing,
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
});

export class LocalMedia {
  /** What the self view shows and the other side gets; tracks come and go. */
  readonly stream = new MediaStream();
  problem: MediaProblem | undefined;
  microphoneOn = false;
  cameraOn = false;
  canFlip = false;
  /** A device was taken away while in use. */
  onLoss = (): void => {};
  private facing: Facing = 'user';
  private closed = false;

  /** Opens what there is: both, else one of them, else nothing. Never fails; `problem` tells. */
  static async open(): Promise<LocalMedia> {
    const media = new LocalMedia();
    // Outside a secure context the browser hides the whole interface.
    if (!navigator.mediaDevices?.getUserMedia) {
      media.problem = 'insecure';
      return media;
    }
    const wishes: MediaStreamConstraints[] = [{ audio: sound, video: picture('user') }, { audio: sound }, { video: picture('user') }];
    for (const wish of wishes) {
      try {
        media.take(await navigator.mediaDevices.getUserMedia(wish));
        if (!wish.video) media.problem = 'noCamera';
        break;
      } catch (error) {
        media.problem = error instanceof DOMException && error.name === 'NotAllowedError' ? 'denied' : 'none';
      }
    }
    if (media.microphoneOn && media.cameraOn) media.problem = undefined;
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    media.canFlip = matchMedia('(pointer: coarse)').matches && devices.filter((device) => device.kind === 'videoinput').length > 1;
    return media;
  }

  get audio(): MediaStreamTrack | null {
    return this.stream.getAudioTracks()[0] ?? null;
  }

  get video(): MediaStreamTrack | null {
    return this.stream.getVideoTracks()[0] ?? null;
  }

  /** The track stays open while muted, so that unmuting loses no word. */
  setMicrophone(on: boolean): void {
    if (!this.audio) return;
    this.audio.enabled = on;
    this.microphoneOn = on;
  }

  /** Off closes the camera itself: its light goes out. */
  async setCamera(on: boolean): Promise<void> {
    if (!on) {
      this.stopVideo();
      return;
    }
    if (this.video || !navigator.mediaDevices) return;
    try {
      this.take(await navigator.mediaDevices.getUserMedia({ video: picture(this.facing) }));
    } catch {
      this.problem = 'noCamera';
    }
  }

  async flip(): Promise<void> {
    this.facing = this.facing === 'user' ? 'environment' : 'user';
    // Phones refuse to open the second camera while the first is in use.
    this.stopVideo();
    await this.setCamera(true);
  }

  get mirrored(): boolean {
    return this.facing === 'user';
  }

  close(): void {
    this.closed = true;
    for (const track of this.stream.getTracks()) this.remove(track);
  }

  private take(from: MediaStream): void {
    for (const track of from.getTracks()) {
      if (this.closed) {
        track.stop();
        continue;
      }
      this.stream.addTrack(track);
      if (track.kind === 'audio') this.microphoneOn = true;
      else this.cameraOn = true;
      // Not fired by our own stop().
      track.addEventListener('ended', () => this.lose(track));
    }
  }

  private lose(track: MediaStreamTrack): void {
    this.stream.removeTrack(track);
    if (track.kind === 'audio') this.microphoneOn = false;
    else this.cameraOn = false;
    this.onLoss();
  }

  private stopVideo(): void {
    if (this.video) this.remove(this.video);
    this.cameraOn = false;
  }

  private remove(track: MediaStreamTrack): void {
    track.stop();
    this.stream.removeTrack(track);
  }
}
