import { useEffect } from 'react';
import { Store, useStore } from './store.ts';

/** Something that a person can do from wherever they are: by its keys, or by its words in the palette. */
export interface Action {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  /** `?`, `Ctrl+K`, or two keys one after the other: `g h`. */
  readonly keys?: string;
  readonly run: () => void;
}

const actions = new Store<readonly Action[]>([]);

/** Offers actions while the component is shown. `offered` must stay the same from one rendering to the next, or be memoized. */
export function useActions(offered: readonly Action[]): void {
  useEffect(() => {
    actions.become([...actions.current(), ...offered]);
    return () => actions.become(actions.current().filter((action) => !offered.includes(action)));
  }, [offered]);
}

/** The last one that was offered under an id is the one that counts. */
export function useOfferedActions(): readonly Action[] {
  const all = useStore(actions);
  return [...new Map(all.map((action) => [action.id, action])).values()];
}

/** Within this many milliseconds the second key of two has to follow. */
const SEQUENCE_MS = 1200;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;

/** Listens for the keys of all actions. @returns stops listening */
export function listenForKeys(): () => void {
  let before = { key: '', at: 0 };
  const onKeyDown = (event: KeyboardEvent): void => {
    const pressed = event.ctrlKey || event.metaKey ? `Ctrl+${event.key.toUpperCase()}` : event.key;
    const plain = !pressed.startsWith('Ctrl+');
    if (event.altKey || event.defaultPrevented || (plain && (isTyping(event.target) || openDialog()))) return;
    const sequence = event.timeStamp - before.at < SEQUENCE_MS ? `${before.key} ${pressed}` : pressed;
    before = { key: pressed, at: event.timeStamp };
    const action = byKeys(sequence) ?? byKeys(pressed);
    if (action === undefined) return;
    event.preventDefault();
    before = { key: '', at: 0 };
    action.run();
  };
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}

const openDialog = (): boolean => document.querySelector('dialog[open]') !== null;

const byKeys = (keys: string): Action | undefined => actions.current().findLast((action) => action.keys === keys);
