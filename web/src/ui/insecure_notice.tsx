import { httpsPort } from '../session.ts';
import { Warning } from './icons.tsx';
import { t } from './text.ts';

const usualPort = 8443;

/** The first trap of every demonstration: on plain http from another machine there is no camera, and no browser says why. */
export function InsecureNotice() {
  if (window.isSecureContext) return null;
  const port = httpsPort.value ?? (location.port === '' ? 443 : usualPort);
  const host = port === 443 ? location.hostname : `${location.hostname}:${port}`;
  const address = `https://${host}`;
  return (
    <section class="notice" data-testid="insecure" aria-labelledby="insecure-title">
      <Warning />
      <div>
        <h2 id="insecure-title">{t('media.insecure')}</h2>
        <p>{t('media.insecure.hint')}</p>
        <a class="button" data-testid="https-link" href={`${address}${location.pathname}${location.search}`}>
          {t('media.insecure.link', { address })}
        </a>
      </div>
    </section>
  );
}
