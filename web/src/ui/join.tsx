import { useEffect, useRef, useState } from 'preact/hooks';
import { prepareName } from '../logic/identity.ts';
import { goOnline } from '../session.ts';
import { Footer } from './footer.tsx';
import { Lock, Mark } from './icons.tsx';
import { InsecureNotice } from './insecure_notice.tsx';
import { remember, remembered } from './memory.ts';
import { t } from './text.ts';

const longestName = 64;

export function Join() {
  const [typed, setTyped] = useState(remembered('name') ?? '');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const name = prepareName(typed);
  return (
    <div class="page join" data-testid="join">
      <main>
        <header class="brand">
          <Mark />
          <p class="brand-name">{t('app.name')}</p>
          <p class="tagline">{t('app.tagline')}</p>
        </header>
        <InsecureNotice />
        <form
          class="card"
          onSubmit={(event) => {
            event.preventDefault();
            if (name === '') return;
            remember('name', name);
            goOnline(name);
          }}
        >
          <h1>{t('join.title')}</h1>
          <label for="name">{t('join.name')}</label>
          <input
            id="name"
            ref={field}
            data-testid="name"
            value={typed}
            maxLength={longestName}
            required
            autocomplete="nickname"
            autocapitalize="words"
            spellcheck={false}
            enterkeyhint="go"
            aria-describedby="name-hint"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <p id="name-hint" class="hint">{t('join.hint')}</p>
          <button class="button primary wide" data-testid="go-online" disabled={name === ''}>
            {t('join.submit')}
          </button>
        </form>
        <p class="promise">
          <Lock />
          <span>{t('join.promise')}</span>
        </p>
      </main>
      <Footer />
    </div>
  );
}
