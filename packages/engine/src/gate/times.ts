// How long the reading thread waits for events, and for what else it waits, in milliseconds.

export const IDLE_MS = 200;
/** While somebody waits. */
export const WAITING_MS = 20;
/** While somebody executes, and others may wait for that. */
export const EXECUTING_MS = 2;
export const TICK_MS = 250;
/** How long what was opened before the stop may take. */
export const DRAIN_LIMIT_MS = 5000;
