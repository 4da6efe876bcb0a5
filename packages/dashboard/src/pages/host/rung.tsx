import type { Rung as RungData } from '@assay/wire';
import { RUNG_STATE_WORDS } from '../../text/host.ts';
import { RUNG_TONES } from '../../text/tone.ts';
import { FullValue } from '../../parts/digest.tsx';
import { Icon } from '../../parts/icon.tsx';
import { RUNG_ICONS } from '../../parts/icons.ts';
import { firstOf } from '../../parts/long-text.tsx';

function Facts({ facts }: { facts: RungData['facts'] }) {
  return (
    <dl className="mt-3 space-y-2.5 border-s-2 border-tone-line ps-4">
      {facts.map(({ label, value }) => (
        <div key={label}>
          <dt className="text-xs text-muted">{label}</dt>
          <dd>
            <FullValue value={value} what={label} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Heading({ rung, expands }: { rung: RungData; expands: boolean }) {
  return (
    <span className="flex items-start gap-2">
      <span className="min-w-0 flex-1">
        <span className="me-2 font-semibold">{rung.title}</span>
        <span className="text-xs font-semibold whitespace-nowrap text-tone">{RUNG_STATE_WORDS[rung.state]}</span>
      </span>
      {expands && <Icon name="chevron" className="mt-1 size-4 text-muted transition-transform group-open:rotate-180" />}
    </span>
  );
}

/** Solid as long as trust goes on to the next rung. */
const RAILS: Readonly<Record<RungData['state'], string>> = {
  ok: 'border-tone-solid',
  warning: 'border-tone-solid',
  failed: 'border-dashed border-line-strong',
  waiting: 'border-dashed border-line-strong',
};

/** One rung: a node on the ladder's rail, its state, its sentence and the values that it rests on. */
export function Rung({ rung, last }: { rung: RungData; last: boolean }) {
  const sentence = (
    <span title={firstOf(rung.sentence)} className="mt-0.5 line-clamp-4 text-sm leading-snug wrap-anywhere text-muted">
      {firstOf(rung.sentence)}
    </span>
  );
  return (
    <li data-tone={RUNG_TONES[rung.state]} data-state={rung.state} className="relative flex gap-4 pb-6 last:pb-0">
      {!last && (
        <span
          aria-hidden="true"
          className={`absolute start-[1.0625rem] top-9 bottom-0 border-s-2 ${RAILS[rung.state]}`}
        />
      )}
      <span
        aria-hidden="true"
        className={`z-1 grid size-9 shrink-0 place-items-center rounded-full border-2 ${rung.state === 'waiting' ? 'border-dashed border-line-strong bg-surface text-muted' : 'border-tone-solid bg-tone-soft text-tone'}`}
      >
        <Icon name={RUNG_ICONS[rung.state]} className="size-4.5 stroke-[2.6]" />
      </span>
      <div className="min-w-0 flex-1 pt-1.5">
        {rung.facts.length === 0 ? (
          <>
            <Heading rung={rung} expands={false} />
            {sentence}
          </>
        ) : (
          <details className="group">
            <summary className="rounded-md">
              <Heading rung={rung} expands />
              {sentence}
            </summary>
            <Facts facts={rung.facts} />
          </details>
        )}
      </div>
    </li>
  );
}
