import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEventStream, type StreamMessage } from '../src/api/event-reader.ts';

async function read(chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<StreamMessage[]> {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const messages: StreamMessage[] = [];
  for await (const message of readEventStream(body)) messages.push(message);
  return messages;
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test('comments and the retry field give no message', async () => {
  assert.deepEqual(await read([encode('retry: 2000\n\n: heartbeat\n\n')]), []);
});

test('a message that the end of the stream cut off is not given', async () => {
  assert.deepEqual(await read([encode('event: host\ndata: 1\n\nevent: host\ndata: 2')]), [{ type: 'host', data: '1' }]);
});

test('any cut of the bytes into chunks gives the same messages', async () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/gu, ''));
  const message = fc.record({ type: fc.constantFrom('host', 'finding'), data: line }, { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(fc.array(message), fc.integer({ min: 1, max: 9 }), async (messages, size) => {
      const bytes = encode(messages.map(({ type, data }) => `event: ${type}\ndata: ${data}\n\n`).join(''));
      const count = Math.ceil(bytes.length / size);
      const chunks = Array.from({ length: count }, (_, n) => bytes.slice(n * size, (n + 1) * size));
      assert.deepEqual(await read(chunks), messages);
    }),
  );
});
