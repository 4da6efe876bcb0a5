import { useMutation } from '@tanstack/react-query';
import type { SubmitEvent, ReactNode } from 'react';
import { Modal } from './modal.tsx';
import { ProblemText } from './problem-text.tsx';

interface DialogFormProps<Answer> {
  readonly title: string;
  /** What will happen, and what will not. */
  readonly lead: ReactNode;
  readonly action: string;
  readonly send: (fields: FormData) => Promise<Answer>;
  readonly onDone: (answer: Answer) => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}

/** Asks what is needed for a change, sends it, and says why not when it is refused. */
export function DialogForm<Answer>({ title, lead, action, send, onDone, onClose, children }: DialogFormProps<Answer>) {
  const { mutate, isPending, error } = useMutation({ mutationFn: send, onSuccess: onDone });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    mutate(new FormData(event.currentTarget));
  };
  return (
    <Modal label={title} onClose={onClose} className="overflow-y-auto! p-6 sm:p-8">
      <h2 className="font-display text-2xl font-semibold tracking-tight wrap-anywhere">{title}</h2>
      <div className="mt-2 space-y-2 text-muted">{lead}</div>
      <form onSubmit={submit} className="mt-5 space-y-4">
        {children}
        {error !== null && <ProblemText error={error} />}
        <div className="flex flex-wrap justify-end gap-3">
          <button type="button" onClick={onClose} className="button">
            Cancel
          </button>
          <button type="submit" disabled={isPending} className="button-primary">
            {action}
          </button>
        </div>
      </form>
    </Modal>
  );
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly children: ReactNode;
}

/** A label over what it names. */
export function Field({ label, hint, children }: FieldProps) {
  return (
    <label className="block">
      <span className="text-sm font-semibold">{label}</span>
      {hint !== undefined && <span className="block text-sm text-muted">{hint}</span>}
      <span className="mt-1 block">{children}</span>
    </label>
  );
}

/** The text of a field of a form. */
export function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
