import type { Tone } from '../text/tone.ts';
import { Store } from './store.ts';

export interface Toast {
  readonly id: number;
  readonly tone: Tone;
  readonly text: string;
}

const SHOWN_MS = 6000;

export const toasts = new Store<readonly Toast[]>([]);

let last = 0;

/** Tells for a few seconds what came of something that the person did. What stays true belongs on the page instead. */
export function toast(tone: Tone, text: string): void {
  last += 1;
  const id = last;
  toasts.become([...toasts.current(), { id, tone, text }]);
  window.setTimeout(() => dismissToast(id), SHOWN_MS);
}

export function dismissToast(id: number): void {
  toasts.become(toasts.current().filter((other) => other.id !== id));
}
