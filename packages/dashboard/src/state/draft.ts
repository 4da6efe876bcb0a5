// What somebody writes stays in its tab: when the page is left, or loaded again after signing in.

export const keptDraft = (key: string): string | null => sessionStorage.getItem(key);

/** A text that is longer than the browser keeps is kept in the page alone. */
export function keepDraft(key: string, text: string): void {
  try {
    sessionStorage.setItem(key, text);
  } catch {
    forgetDraft(key);
  }
}

export const forgetDraft = (key: string): void => sessionStorage.removeItem(key);
