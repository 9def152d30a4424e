import { useState } from 'preact/hooks';
import type { TextKey } from '../logic/i18n.ts';
import { badgeKey, whyKey, type Path } from '../logic/path.ts';
import { isRelayAsked, path } from '../session.ts';
import { Dialog } from './dialog.tsx';
import { Direct, Lock, Relay, Searching } from './icons.tsx';
import { language, t } from './text.ts';

const milliseconds = (count: number) => t('path.ms', { count: count < 1 ? '<1' : count });

/** How the media flows, in a word and a number; the reason on request. */
export function PathBadge() {
  const [open, setOpen] = useState(false);
  const now = path.value;
  const Icon = { unknown: Searching, direct: Direct, relay: Relay }[now.kind];
  return (
    <>
      <button
        class={`badge ${now.kind}`}
        data-testid="path"
        data-kind={now.kind}
        data-via={now.via ?? ''}
        data-rtt={now.roundTripMs ?? ''}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <span class="visually-hidden">{t('path.open')}</span>
        <Icon />
        <span>{t(badgeKey(now))}</span>
        {now.roundTripMs !== undefined && <span class="badge-rtt">{milliseconds(now.roundTripMs)}</span>}
      </button>
      {open && <Why path={now} onClose={() => setOpen(false)} />}
    </>
  );
}

function Why({ path: now, onClose }: { path: Path; onClose: () => void }) {
  const percent = new Intl.NumberFormat(language.value, { style: 'percent', maximumFractionDigits: 1 });
  const facts: [TextKey, string | undefined][] = [
    ['why.rtt', now.roundTripMs === undefined ? undefined : milliseconds(now.roundTripMs)],
    ['why.loss', now.loss === undefined ? undefined : percent.format(now.loss)],
    ['why.local', end(now.localType, now.localAddress)],
    ['why.remote', end(now.remoteType, now.remoteAddress)],
  ];
  return (
    <Dialog id="why" onCancel={onClose}>
      <h2 id="why-title">{t('why.title')}</h2>
      <p class={`why-verdict ${now.kind}`}>{t(badgeKey(now))}</p>
      <p>{t(whyKey(now, isRelayAsked()))}</p>
      <dl class="facts">
        {facts.map(
          ([key, value]) =>
            value !== undefined && (
              <div key={key}>
                <dt>{t(key)}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      <p class="promise">
        <Lock />
        <span>{t('why.encrypted')}</span>
      </p>
      <button class="button primary wide" autofocus data-testid="close-why" onClick={onClose}>
        {t('why.close')}
      </button>
    </Dialog>
  );
}

const kinds: Record<string, TextKey> = {
  host: 'candidate.host',
  srflx: 'candidate.srflx',
  prflx: 'candidate.prflx',
  relay: 'candidate.relay',
};

function end(type: string | undefined, address: string | undefined): string | undefined {
  const key = type === undefined ? undefined : kinds[type];
  if (!key) return address;
  return address === undefined ? t(key) : `${address} · ${t(key)}`;
}
