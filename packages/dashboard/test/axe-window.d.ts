import type axe from 'axe-core';

declare global {
  interface Window {
    /** There after the source of axe-core was evaluated in the page. */
    readonly axe: typeof axe;
  }
}
