/** One message of an event stream: its type and its data. */
export interface StreamMessage {
  readonly type: string;
  readonly data: string;
}

/** Between messages; the verifier ends its lines with LF alone. */
const BOUNDARY = '\n\n';

function parseMessage(block: string): StreamMessage | null {
  const lines = block.split('\n');
  const valuesOf = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
  const data = valuesOf('data');
  return data.length === 0 ? null : { type: valuesOf('event').at(-1) ?? 'message', data: data.join('\n') };
}

/**
 * Reads server-sent events (WHATWG HTML, section 9.2) from the body of an answer until it ends.
 * Comments, which keep the connection alive, are no messages.
 *
 * @param onSign called whenever anything comes
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onSign: () => void = () => undefined,
): AsyncGenerator<StreamMessage> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    onSign();
    const blocks = (rest + part.value).split(BOUNDARY);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = parseMessage(block);
      if (message !== null) yield message;
    }
  }
}
