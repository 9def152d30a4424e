import type { UserId } from '../logic/identity.ts';
import { accept, displayName, refuse } from '../session.ts';
import { Avatar } from './avatar.tsx';
import { Dialog } from './dialog.tsx';
import { HangUp, Phone } from './icons.tsx';
import { t } from './text.ts';

export function RingDialog({ peer }: { peer: UserId }) {
  const name = displayName(peer);
  return (
    <Dialog id="ring" role="alertdialog" onCancel={refuse}>
      <div class="pulse">
        <Avatar name={name} large />
      </div>
      <h2 id="ring-title" aria-live="assertive">
        {t('ring.title', { name })}
      </h2>
      <div class="choices">
        <button class="button danger" data-testid="refuse" onClick={refuse}>
          <HangUp />
          {t('ring.refuse')}
        </button>
        <button class="button go" data-testid="accept" autofocus onClick={accept}>
          <Phone />
          {t('ring.accept')}
        </button>
      </div>
    </Dialog>
  );
}
