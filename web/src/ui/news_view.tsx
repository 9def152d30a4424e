import { Close, Information, Warning } from './icons.tsx';
import { dismiss, spoken, toasts } from './news.ts';
import { t } from './text.ts';

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite" data-testid="toasts">
      {toasts.value.map(({ id, text, tone }) => (
        <div key={id} class={`toast ${tone}`} data-testid="toast">
          {tone === 'warning' ? <Warning /> : <Information />}
          <span>{text}</span>
          <button class="button quiet icon-only" onClick={() => dismiss(id)} aria-label={t('media.dismiss')}>
            <Close />
          </button>
        </div>
      ))}
    </div>
  );
}

/** For screen readers: who comes and goes, and what one's own keys did. */
export function Live() {
  return (
    <p class="visually-hidden" aria-live="polite" data-testid="live">
      {spoken.value}
    </p>
  );
}
