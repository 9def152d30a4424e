import { useEffect } from 'preact/hooks';
import { call, connectedAt, displayName, hangUp, name, toggleCamera, toggleMicrophone } from '../session.ts';
import { CallScreen } from './call_screen.tsx';
import { HelpDialog, openHelp } from './help_dialog.tsx';
import { Join } from './join.tsx';
import { LinkBanner } from './link_banner.tsx';
import { Live, Toasts } from './news_view.tsx';
import { People } from './people.tsx';
import { RingDialog } from './ring_dialog.tsx';
import { t } from './text.ts';

export function App() {
  const state = call.value;
  const inCall = state.phase === 'dialling' || state.phase === 'active';
  useShortcuts();
  useTitle();
  return (
    <>
      <LinkBanner />
      {name.value === '' ? <Join /> : inCall ? <CallScreen key={state.call} /> : <People />}
      {state.phase === 'ringing' && <RingDialog key={state.call} peer={state.peer} />}
      <HelpDialog />
      <Toasts />
      <Live />
    </>
  );
}

/** M, V, H and ? by the letter typed, not the key's place, and never while somebody types a text or asks the browser for something. */
function useShortcuts() {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as Element | null;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || target?.closest('input, select, textarea')) return;
      const running = call.value.phase === 'active' || call.value.phase === 'dialling';
      const actions: Record<string, (() => void) | false> = {
        m: running && toggleMicrophone,
        v: running && toggleCamera,
        h: running && hangUp,
        '?': openHelp,
      };
      const action = actions[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}

function useTitle() {
  const state = call.value;
  const title = {
    idle: () => t('app.name'),
    dialling: () => t('dial.title', { name: partner() }),
    ringing: () => t('ring.title', { name: partner() }),
    active: () => (connectedAt.value === undefined ? t('call.connecting') : t('call.title', { name: partner() })),
  }[state.phase]();
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function partner(): string {
  const state = call.value;
  return state.phase === 'idle' ? '' : displayName(state.peer);
}
