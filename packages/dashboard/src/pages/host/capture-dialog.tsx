import type { HostSummary } from '@assay/wire';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { captureReferenceValues } from '../../api/capture.ts';
import { ApiProblem } from '../../api/documents.ts';
import { countWords } from '../../text/numbers.ts';
import { ProblemText } from '../../parts/problem-text.tsx';

const refused = (error: unknown): boolean => error instanceof ApiProblem && error.problem.status === 401;

function Meaning({ host }: { host: HostSummary }) {
  return (
    <>
      <p>
        Everything that ran on <bdi className="font-semibold wrap-anywhere">{host.name}</bdi> so far becomes the good
        state: {countWords(host.list.entries, 'entry', 'entries')} of its list. From then on a file with any other
        digest is a finding.
      </p>
      <p className="mt-3">Do this only while you know that the host is clean. Nothing is changed on the host itself.</p>
      {host.openFindings > 0 && (
        <p data-tone="caution" className="mt-4 rounded-lg border border-tone-line bg-tone-soft p-3 text-tone">
          <strong>{countWords(host.openFindings, 'open finding', 'open findings')}</strong> would be accepted as good.
        </p>
      )}
    </>
  );
}

interface DialogProps {
  host: HostSummary;
  onClose: () => void;
  /** The token is not the operator's. */
  onRefused: () => void;
}

export function CaptureDialog({ host, onClose, onRefused }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const capture = useMutation({
    mutationFn: () => captureReferenceValues(host.id),
    onSuccess: onClose,
    onError: (error) => refused(error) && onRefused(),
  });
  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-labelledby="capture-title"
      className="rises m-auto w-[min(34rem,calc(100vw-2rem))] rounded-2xl border border-line bg-surface p-6 text-ink shadow-2xl sm:p-8"
    >
      <h2 id="capture-title" className="mb-3 font-display text-2xl font-semibold tracking-tight">
        Capture as reference values?
      </h2>
      <Meaning host={host} />
      {capture.error !== null && <ProblemText error={capture.error} />}
      <div className="mt-6 flex flex-wrap justify-end gap-3">
        <button
          type="button"
          onClick={onClose}
          className="rounded-xl border border-line-strong px-4 py-2.5 font-semibold hover:bg-sunken"
        >
          Cancel
        </button>
        <button
          type="button"
          disabled={capture.isPending}
          onClick={() => capture.mutate()}
          className="rounded-xl bg-ink px-4 py-2.5 font-semibold text-paper hover:opacity-85 disabled:opacity-60"
        >
          {capture.isPending ? 'Capturing…' : 'Capture'}
        </button>
      </div>
    </dialog>
  );
}
