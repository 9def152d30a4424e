import { signal } from '@preact/signals';
import type { TextKey } from '../logic/i18n.ts';
import { Dialog } from './dialog.tsx';
import { t } from './text.ts';

const open = signal(false);
export const openHelp = (): void => {
  open.value = true;
};
const close = (): void => {
  open.value = false;
};

const keys: [string, TextKey][] = [
  ['M', 'help.mute'],
  ['V', 'help.camera'],
  ['H', 'help.hangUp'],
  ['?', 'help.help'],
];

export function HelpDialog() {
  if (!open.value) return null;
  return (
    <Dialog id="help" onCancel={close}>
      <h2 id="help-title">{t('help.title')}</h2>
      <p class="hint">{t('help.during')}</p>
      <dl class="keys">
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
      </dl>
      <button class="button primary wide" autofocus data-testid="close-help" onClick={close}>
        {t('help.close')}
      </button>
    </Dialog>
  );
}
