import { useEffect, useRef, useState } from 'preact/hooks';
import type { Person } from '../logic/presence.ts';
import { dial, goOffline, link, name, people, self } from '../session.ts';
import { Avatar } from './avatar.tsx';
import { Footer } from './footer.tsx';
import { Leave, Link, Mark, Phone } from './icons.tsx';
import { InsecureNotice } from './insecure_notice.tsx';
import { announce } from './news.ts';
import { t, tCount } from './text.ts';

export function People() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const known = self.value !== undefined || people.value.length > 0;
  return (
    <div class="page people" data-testid="people" data-state={link.value.state} data-online={String(self.value !== undefined)}>
      <header class="bar">
        <Mark />
        <div class="bar-text">
          <span class="bar-brand">{t('app.name')}</span>
          <span class="bar-you">{t('people.you', { name: name.value })}</span>
        </div>
        <button class="button quiet icon-only" data-testid="leave" onClick={goOffline} aria-label={t('people.leave')} title={t('people.leave')}>
          <Leave />
        </button>
      </header>
      <main>
        <InsecureNotice />
        {link.value.state === 'refused' ? (
          <Refused why={link.value.why} />
        ) : (
          <>
            <h1 ref={heading} tabIndex={-1}>
              {t('people.title')}
            </h1>
            {!known ? <Waiting /> : people.value.length === 0 ? <Nobody /> : <List people={people.value} />}
          </>
        )}
      </main>
      <Footer />
    </div>
  );
}

function List({ people }: { people: Person[] }) {
  return (
    <>
      <p class="hint" data-testid="count">
        {tCount('people.count', people.length)}
      </p>
      <ul class="list">
        {people.map((person) => (
          <li key={person.key} class="row" data-testid="person" data-name={person.name}>
            <Avatar name={person.name} />
            <span class="row-name">{person.name}</span>
            <button
              class="button primary"
              data-testid="call"
              disabled={link.value.state !== 'open'}
              aria-label={t('people.call.name', { name: person.name })}
              onClick={() => dial(person.user)}
            >
              <Phone />
              {t('people.call')}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Waiting() {
  return (
    <div class="card empty" data-testid="waiting">
      <span class="spinner" aria-hidden="true" />
      <p>{t('people.waiting')}</p>
    </div>
  );
}

function Nobody() {
  return (
    <div class="card empty" data-testid="nobody">
      <Mark />
      <h2>{t('people.none')}</h2>
      <p class="hint">{t('people.none.hint')}</p>
      <CopyAddress />
    </div>
  );
}

function CopyAddress() {
  const [copied, setCopied] = useState(false);
  const address = `${location.origin}/`;
  if (!navigator.clipboard) return <p class="address">{address}</p>;
  const copy = async () => {
    await navigator.clipboard.writeText(address);
    setCopied(true);
    announce(t('people.copied'));
  };
  return (
    <button class="button" data-testid="copy" onClick={() => void copy().catch(() => setCopied(false))}>
      <Link />
      {t(copied ? 'people.copied' : 'people.copy')}
    </button>
  );
}

function Refused({ why }: { why: 'refused' | 'missing' }) {
  return (
    <div class="card empty" role="alert" data-testid="refused" data-why={why}>
      <h1>{t(`link.${why}`)}</h1>
      <p class="hint">{t(`link.${why}.hint`)}</p>
      <button class="button primary" onClick={goOffline}>
        {t('link.rename')}
      </button>
    </div>
  );
}
