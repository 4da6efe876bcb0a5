import { Store } from './store.ts';

/** What lies over the page: one thing at a time. */
export const overlay = new Store<'palette' | 'help' | 'token' | null>(null);

export const openPalette = (): void => overlay.become('palette');
export const openHelp = (): void => overlay.become('help');
export const openToken = (): void => overlay.become('token');
export const closeOverlay = (): void => overlay.become(null);
