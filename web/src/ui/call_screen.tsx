import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import {
  call,
  connectedAt,
  displayName,
  flipCamera,
  flow,
  hangUp,
  mediaProblem,
  own,
  peerMedia,
  remote,
  toggleCamera,
  toggleMicrophone,
} from '../session.ts';
import { Avatar } from './avatar.tsx';
import { openHelp } from './help_dialog.tsx';
import { Camera, CameraOff, Flip, HangUp, Microphone, MicrophoneOff, Question, Speaker, Warning } from './icons.tsx';
import { PathBadge } from './path_badge.tsx';
import { language, t } from './text.ts';

export function CallScreen() {
  const state = call.value;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  if (state.phase !== 'dialling' && state.phase !== 'active') return null;
  const name = displayName(state.peer);
  const dialling = state.phase === 'dialling';
  const title = dialling ? t('dial.title', { name }) : t('call.title', { name });
  return (
    <main class="call" data-testid="call-screen" data-state={dialling ? 'dialling' : flow.value} data-peer={name}>
      <Stage name={name} dialling={dialling} />
      <header class="call-bar">
        <div class="call-who">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {!dialling && <Clock />}
        </div>
        {!dialling && <PathBadge />}
      </header>
      <SelfView />
      <div class="call-foot">
        <Problem />
        <Controls dialling={dialling} />
      </div>
    </main>
  );
}

function Stage({ name, dialling }: { name: string; dialling: boolean }) {
  const { audio, video } = peerMedia.value;
  const connected = connectedAt.value !== undefined;
  return (
    <div class="stage" data-testid="stage" data-peer-audio={String(audio)} data-peer-video={String(video)}>
      <RemoteVideo name={name} shown={connected && video} />
      {!(connected && video) && (
        <div class={`stand-in ${dialling || !connected ? 'pulse' : ''}`}>
          <Avatar name={name} large />
          {!dialling && <p>{connected ? t('call.peer.cameraOff', { name }) : t('call.connecting')}</p>}
        </div>
      )}
      {connected && !audio && (
        <p class="chip peer-muted" data-testid="peer-muted">
          <MicrophoneOff />
          {t('call.peer.muted', { name })}
        </p>
      )}
    </div>
  );
}

function RemoteVideo({ name, shown }: { name: string; shown: boolean }) {
  const element = useRef<HTMLVideoElement>(null);
  const [silenced, setSilenced] = useState(false);
  const stream = remote.value;
  useLayoutEffect(() => {
    const video = element.current!;
    video.srcObject = stream ?? null;
    if (!stream) return undefined;
    // A browser that has seen no gesture on this page plays no sound until it gets one.
    const play = () =>
      video.play().catch((error: unknown) => {
        if (error instanceof DOMException && error.name === 'NotAllowedError') setSilenced(true);
      });
    void play();
    stream.addEventListener('addtrack', play);
    return () => stream.removeEventListener('addtrack', play);
  }, [stream]);
  const listen = () => {
    setSilenced(false);
    void element.current?.play();
  };
  return (
    <>
      <video ref={element} class={shown ? 'remote' : 'remote unseen'} data-testid="remote-video" autoplay playsInline aria-label={t('call.video.remote', { name })} />
      {silenced && (
        <button class="button primary listen" onClick={listen}>
          <Speaker />
          {t('call.listen')}
        </button>
      )}
    </>
  );
}

function SelfView() {
  const element = useRef<HTMLVideoElement>(null);
  const mine = own.value;
  const on = mine?.cameraOn ?? false;
  useLayoutEffect(() => {
    if (element.current) element.current.srcObject = on ? (mine?.stream ?? null) : null;
  }, [mine?.stream, on]);
  if (!mine) return null;
  return (
    <div class={`self ${on ? '' : 'self-off'}`} data-testid="self-view" data-camera={on ? 'on' : 'off'}>
      <video ref={element} class={mine.mirrored ? 'mirrored' : ''} data-testid="self-video" autoplay playsInline muted aria-label={t('call.video.self')} />
      {!on && <CameraOff />}
    </div>
  );
}

function Problem() {
  const problem = mediaProblem.value;
  if (!problem) return null;
  return (
    <p class="problem" role="alert" data-testid="media-problem" data-problem={problem}>
      <Warning />
      <span>{t(problem === 'insecure' ? 'media.insecure' : `media.${problem}`)}</span>
    </p>
  );
}

function Controls({ dialling }: { dialling: boolean }) {
  const mine = own.value;
  const muted = !(mine?.microphoneOn ?? true);
  const dark = !(mine?.cameraOn ?? true);
  return (
    <div class="controls" role="group" aria-label={t('call.controls')}>
      <Control
        id="mute"
        state={muted ? 'off' : 'on'}
        label={t(muted ? 'call.unmute' : 'call.mute')}
        shortcut="M"
        disabled={!mine?.hasMicrophone}
        onClick={toggleMicrophone}
      >
        {muted ? <MicrophoneOff /> : <Microphone />}
      </Control>
      <Control id="camera" state={dark ? 'off' : 'on'} label={t(dark ? 'call.camera.on' : 'call.camera.off')} shortcut="V" disabled={!mine} onClick={toggleCamera}>
        {dark ? <CameraOff /> : <Camera />}
      </Control>
      {mine?.canFlip && mine.cameraOn && (
        <Control id="flip" state="on" label={t('call.camera.flip')} onClick={flipCamera}>
          <Flip />
        </Control>
      )}
      <Control id="help-button" state="on" extra="keyboard-only" label={t('call.help')} shortcut="?" onClick={openHelp}>
        <Question />
      </Control>
      <Control id="hang-up" state="on" extra="danger" label={t(dialling ? 'dial.cancel' : 'call.hangUp')} shortcut="H" onClick={hangUp}>
        <HangUp />
      </Control>
    </div>
  );
}

interface ControlProps {
  id: string;
  state: 'on' | 'off';
  label: string;
  shortcut?: string;
  extra?: 'danger' | 'keyboard-only';
  disabled?: boolean;
  onClick: () => void;
  children: ComponentChildren;
}

/** A round button with its word below; the word says what a press will do, the icon and the fill how things are. */
function Control({ id, state, label, shortcut, extra, disabled = false, onClick, children }: ControlProps) {
  return (
    <button
      class={`control ${extra ?? ''}`}
      data-testid={id}
      data-state={state}
      disabled={disabled}
      title={shortcut ? `${label} (${shortcut})` : label}
      {...(shortcut ? { 'aria-keyshortcuts': shortcut === '?' ? 'Shift+?' : shortcut } : {})}
      onClick={onClick}
    >
      <span class="control-face">{children}</span>
      <span class="control-label">{label}</span>
    </button>
  );
}

function Clock() {
  const since = connectedAt.value;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  if (since === undefined) return <p class="clock">{t('call.connecting')}</p>;
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  const two = new Intl.NumberFormat(language.value, { minimumIntegerDigits: 2 });
  const text = `${two.format(Math.floor(seconds / 60))}:${two.format(seconds % 60)}`;
  return (
    <p class="clock" data-testid="clock">
      <span class="visually-hidden">{t('call.duration')} </span>
      {text}
    </p>
  );
}
