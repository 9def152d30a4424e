import { languages } from '../logic/i18n.ts';
import { options } from '../session.ts';
import { openHelp } from './help_dialog.tsx';
import { Question, Relay } from './icons.tsx';
import { remember } from './memory.ts';
import { language, speak, t } from './text.ts';

const ownName = (tag: string) => {
  const name = new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
};

export function Footer() {
  const choose = (tag: string) => {
    remember('language', tag);
    void speak([tag]);
  };
  return (
    <footer class="footer">
      <label class="language">
        <span class="visually-hidden">{t('app.language')}</span>
        <select data-testid="language" value={language.value} onChange={(event) => choose(event.currentTarget.value)}>
          {languages.map((tag) => (
            <option key={tag} value={tag} lang={tag}>
              {ownName(tag)}
            </option>
          ))}
        </select>
      </label>
      <RelayNote />
      <button class="button quiet icon-only keyboard-only" data-testid="open-help" onClick={openHelp} aria-label={t('call.help')} title={t('call.help')}>
        <Question />
      </button>
    </footer>
  );
}

/** Says when the page's address forbids the direct way: nobody shall wonder why a call next door goes through a relay. */
function RelayNote() {
  if (!options.relayOnly && !options.transport) return null;
  return (
    <p class="chip" data-testid="relay-note">
      <Relay />
      {t(options.transport ? `app.relayOnly.${options.transport}` : 'app.relayOnly')}
    </p>
  );
}
