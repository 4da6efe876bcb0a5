import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useMemo, useState } from 'react';
import { hostLinesQuery } from '../api/queries.ts';
import { Modal } from '../parts/modal.tsx';
import { type Action, useOfferedActions } from '../state/actions.ts';
import { VERDICT_WORDS } from '../text/verdict.ts';
import { closeOverlay } from '../state/overlay.ts';

const SHOWN = 12;

interface Choice extends Action {
  readonly hint?: string;
}

function useHostChoices(text: string): readonly Choice[] {
  const { data } = useQuery(hostLinesQuery);
  const navigate = useNavigate();
  return useMemo(() => {
    const wanted = text.toLowerCase();
    const hosts = text === '' ? [] : (data?.hosts ?? []).filter(({ name }) => name.toLowerCase().includes(wanted));
    return hosts.slice(0, SHOWN).map(({ id, name, verdict }) => ({
      id: `host/${id}`,
      title: name,
      group: 'Hosts',
      hint: VERDICT_WORDS[verdict],
      run: () => void navigate({ to: '/hosts/$host', params: { host: name } }),
    }));
  }, [data, text, navigate]);
}

const rank = ({ group }: Action): number => ['This page', 'Go to'].indexOf(group) + 1 || 9;

function useChoices(text: string): readonly Choice[] {
  const actions = useOfferedActions();
  const hosts = useHostChoices(text);
  const words = text.toLowerCase().split(/\s+/u);
  const matching = actions.filter(({ title, group }) => {
    const said = `${group} ${title}`.toLowerCase();
    return words.every((word) => said.includes(word));
  });
  return [...hosts, ...matching.toSorted((a, b) => rank(a) - rank(b))].slice(0, SHOWN);
}

function ChoiceRow({ choice, on, index, onRun }: { choice: Choice; on: boolean; index: number; onRun: () => void }) {
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are those of the input above
    <div
      id={`choice-${index}`}
      role="option"
      tabIndex={-1}
      aria-selected={on}
      onClick={onRun}
      className={`flex cursor-pointer items-center gap-3 rounded-lg px-3 py-2 text-sm ${on ? 'bg-ink text-paper' : 'hover:bg-sunken'}`}
    >
      <span className={`w-16 shrink-0 text-xs ${on ? '' : 'text-muted'}`}>{choice.group}</span>
      <bdi className="min-w-0 flex-1 truncate font-medium">{choice.title}</bdi>
      <span className={`text-xs ${on ? '' : 'text-muted'}`}>{choice.hint ?? choice.keys}</span>
    </div>
  );
}

/** One line to everything: pages, hosts, and what can be done here. */
export function Palette() {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const choices = useChoices(text.trim());
  const run = (choice: Choice | undefined) => {
    if (choice === undefined) return;
    closeOverlay();
    choice.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((at + step + choices.length) % Math.max(1, choices.length));
    }
    if (event.key === 'Enter') run(choices[at]);
  };
  return (
    <Modal label="Find" onClose={closeOverlay} className="mt-[12vh] p-3">
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="choices"
        aria-activedescendant={choices.length > 0 ? `choice-${at}` : undefined}
        aria-label="Find a host, a page, an action"
        placeholder="Find a host, a page, an action"
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        className="w-full rounded-lg bg-transparent px-3 py-2 text-lg outline-none placeholder:text-muted"
      />
      <div id="choices" role="listbox" tabIndex={-1} aria-label="Found" className="mt-2 border-t border-line pt-2">
        {choices.map((choice, index) => (
          <ChoiceRow key={choice.id} choice={choice} on={index === at} index={index} onRun={() => run(choice)} />
        ))}
      </div>
      {choices.length === 0 && (
        <p role="status" className="px-3 py-2 text-sm text-muted">
          Nothing here is called that.
        </p>
      )}
    </Modal>
  );
}
