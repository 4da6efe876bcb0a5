import { type ReactNode, useEffect, useRef } from 'react';

interface ModalProps {
  /** Names the dialog for those who do not see it. */
  readonly label: string;
  readonly onClose: () => void;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A dialog over the page, which Escape and a click beside it close; the focus goes back to where it was. */
export function Modal({ label, onClose, className = '', children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- Escape does by keys what the click beside it does
    <dialog
      ref={dialog}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
      className={`rises m-auto w-[min(36rem,calc(100vw-2rem))] overflow-hidden rounded-2xl border border-line bg-surface text-ink shadow-2xl ${className}`}
    >
      {children}
    </dialog>
  );
}
