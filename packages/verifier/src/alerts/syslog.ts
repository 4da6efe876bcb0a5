import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import type { AlertMessage } from './message.ts';
import type { SyslogSink } from './sinks.ts';

/** Severities of RFC 5424, section 6.2.1. */
const SEVERITY = { failed: 2, warning: 4, resolved: 5, test: 6 } as const;
/** What every receiver of datagrams takes (RFC 5424, section 6.1). */
const LONGEST_DATAGRAM = 2048;
const PATIENCE_MILLISECONDS = 10_000;

/** One message of RFC 5424, without an end of line. Names in it are printable ASCII, free text is UTF-8. */
export function syslogText(message: AlertMessage, facility: number, host = hostname()): string {
  const severity = message.kind === 'opened' ? message.severity : message.kind;
  const priority = facility * 8 + SEVERITY[severity];
  const [cause] = message.causes;
  const data = [
    parameter('id', message.id),
    parameter('kind', message.kind),
    parameter('causes', String(message.total)),
    ...(cause === undefined ? [] : [parameter('hosts', cause.hostNames.join(' '))]),
    ...(typeof cause?.digest === 'string' ? [parameter('digest', cause.digest)] : []),
  ].join(' ');
  const header = `<${priority}>1 ${message.at} ${word(host, 255)} assay - ${word(message.code, 32)}`;
  return `${header} [alert@32473 ${data}] \u{feff}${message.sentence.replace(/\p{Cc}/gu, ' ')}`;
}

/** PRINTUSASCII of at most so many characters. */
function word(text: string, most: number): string {
  return text.replace(/[^!-~]/g, '_').slice(0, most) || '-';
}

/** Section 6.3.3: three characters are escaped. */
function parameter(name: string, value: string): string {
  return `${name}="${value.replace(/["\\\]]/g, '\\$&').replace(/\p{Cc}/gu, ' ')}"`;
}

/** Resolves when the message has left; a datagram may still be lost, which nobody tells. */
export async function sendSyslog(sink: SyslogSink, message: AlertMessage): Promise<void> {
  const bytes = Buffer.from(syslogText(message, sink.facility));
  if (sink.transport === 'udp') return sendDatagram(sink, bytes.subarray(0, LONGEST_DATAGRAM));
  return sendFramed(sink, Buffer.concat([Buffer.from(`${bytes.length} `), bytes]));
}

async function sendDatagram({ host, port }: SyslogSink, bytes: Buffer): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.send(bytes, port, host, (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    socket.close();
  }
}

async function sendFramed({ host, port }: SyslogSink, bytes: Buffer): Promise<void> {
  const socket = connect({ host, port, timeout: PATIENCE_MILLISECONDS });
  socket.once('timeout', () => socket.destroy(new Error(`${host}:${port} does not answer`)));
  try {
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    socket.end(bytes);
    await closed;
  } finally {
    socket.destroy();
  }
}
