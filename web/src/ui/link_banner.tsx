import { call, flow, link, name, networkUp, retryNow } from '../session.ts';
import { Warning } from './icons.tsx';
import { t } from './text.ts';

/** One line on top while the server, the network or the media is away. */
export function LinkBanner() {
  const text = trouble();
  return (
    <div class="banner-place" role="status" data-testid="banner" data-state={text ? 'shown' : 'hidden'}>
      {text && (
        <div class="banner">
          <Warning />
          <span>{text}</span>
          {link.value.state === 'waiting' && networkUp.value && (
            <button class="button small" onClick={retryNow}>
              {t('link.retry')}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function trouble(): string | undefined {
  if (name.value === '') return undefined;
  if (!networkUp.value) return t('link.offline');
  if (call.value.phase === 'active' && flow.value === 'interrupted') return t('call.interrupted');
  if (link.value.state === 'waiting') return t('link.lost');
  return undefined;
}
