import { Modal } from '../parts/modal.tsx';
import { type Action, useOfferedActions } from '../state/actions.ts';
import { closeOverlay } from '../state/overlay.ts';

/** Keys of lists and dialogs, which are bound where these are. */
const EVERYWHERE = [
  { keys: 'Tab', title: 'Go to the next thing; into a list, and out of it' },
  { keys: '↑ ↓ PgUp PgDn Home End', title: 'Go through a list' },
  { keys: 'Enter', title: 'Open what is marked' },
  { keys: 'Esc', title: 'Close what lies over the page' },
];

function Row({ keys, title }: { keys: string; title: string }) {
  return (
    <div className="flex items-baseline justify-between gap-6 py-1.5">
      <dt className="order-2 flex shrink-0 gap-1">
        {keys.split(' ').map((key) => (
          <kbd key={key} className="rounded border border-line-strong bg-sunken px-1.5 font-sans text-xs">
            {key}
          </kbd>
        ))}
      </dt>
      <dd className="text-sm">{title}</dd>
    </div>
  );
}

export function Help() {
  const bound = useOfferedActions().filter((action): action is Action & { keys: string } => action.keys !== undefined);
  return (
    <Modal label="Keys" onClose={closeOverlay} className="p-6 sm:p-8">
      <h2 className="mb-3 font-display text-2xl font-semibold tracking-tight">Keys</h2>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by the keyboard */}
      <div className="max-h-[65dvh] overflow-y-auto" tabIndex={0} role="region" aria-label="All keys">
        {[...Map.groupBy(bound, ({ group }) => group)].map(([group, actions]) => (
          <section key={group} className="mb-4">
            <h3 className="eyebrow">{group}</h3>
            <dl className="divide-y divide-line">
              {actions.map(({ id, keys, title }) => (
                <Row key={id} keys={keys} title={title} />
              ))}
            </dl>
          </section>
        ))}
        <h3 className="eyebrow">In lists and dialogs</h3>
        <dl className="divide-y divide-line">
          {EVERYWHERE.map(({ keys, title }) => (
            <Row key={keys} keys={keys} title={title} />
          ))}
        </dl>
      </div>
    </Modal>
  );
}
