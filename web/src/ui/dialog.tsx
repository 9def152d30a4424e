import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  id: string;
  role?: 'dialog' | 'alertdialog';
  onCancel: () => void;
  children: ComponentChildren;
}

/** A modal dialog of the browser's own: it keeps the focus, hides the rest from screen readers and gives the focus back at the end. */
export function Dialog({ id, role = 'dialog', onCancel, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${id}`}
      role={role}
      aria-labelledby={`${id}-title`}
      data-testid={id}
      onCancel={(event) => {
        event.preventDefault();
        onCancel();
      }}
      onClick={(event) => event.target === element.current && role === 'dialog' && onCancel()}
    >
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
