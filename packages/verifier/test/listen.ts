import type { TestContext } from 'node:test';
import { FleetEvent, ROUTES, ServerEvent } from '@assay/wire';
import type { Verifier } from '@assay/verifier';

interface EventOf {
  readonly whole: ServerEvent;
  readonly lines: FleetEvent;
}

const FORMS: { readonly [Form in keyof EventOf]: { parse(value: unknown): EventOf[Form] } } = {
  whole: ServerEvent,
  lines: FleetEvent,
};

/** Listens to `/v1/events` until the test ends. @returns the next event; it throws where the stream ended */
export async function listen<Form extends keyof EventOf>(
  t: TestContext,
  verifier: Verifier,
  form: Form,
  token?: string,
): Promise<() => Promise<EventOf[Form]>> {
  const ended = new AbortController();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { body } = await fetch(`${verifier.url}${ROUTES.events}?form=${form}`, { signal: ended.signal, headers });
  t.after(() => ended.abort());
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return async () => {
    for (;;) {
      const found = /event: \w+\ndata: (.*)\n\n/.exec(text);
      if (found !== null) {
        text = text.slice(found.index + found[0].length);
        return FORMS[form].parse(JSON.parse(found[1] ?? ''));
      }
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error('the stream ended');
      text += value;
    }
  };
}
