import { ByteWriter, utf8 } from '@assay/core/bytes';
import { close, connect, send, socket } from '../libc/index.ts';

/** Where systemd's journal and syslog daemons listen. */
const JOURNAL = '/run/systemd/journal/socket';
const SYSLOG = '/dev/log';

/** include/linux/socket.h, and the types of sockets of all architectures but MIPS */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(struct sockaddr_un) */
const ADDRESS_SIZE = 110;
/** Longer messages go to journald in another way, and nowhere with syslog. */
const LONGEST = 8192;
const NEWLINE = 0x0a;

/** LOG_AUTHPRIV of syslog(3). */
const FACILITY = 10;

/** A name of capital letters, digits and `_`, and its value; `MESSAGE` is what people read. */
export type JournalField = readonly [name: string, value: string | Uint8Array];

export interface Journal {
  readonly kind: 'journal' | 'syslog';
  /**
   * Hands a message over, or not: it never waits, as who reads it may wait for this process.
   * @param priority of syslog(3), 0 to 7
   * @returns false where it was not taken
   */
  write(priority: number, fields: readonly JournalField[]): boolean;
  close(): void;
}

/**
 * Connects with the journal, else with syslog.
 * @param identifier under which messages are found
 * @returns undefined where nobody listens
 */
export function openJournal(identifier: string, paths = { journal: JOURNAL, syslog: SYSLOG }): Journal | undefined {
  const journal = connected(paths.journal);
  if (journal !== undefined) {
    return journalOn(journal, 'journal', (priority, fields) => {
      const all: JournalField[] = [['PRIORITY', String(priority)], ['SYSLOG_IDENTIFIER', identifier], ...fields];
      return encodeJournal(all);
    });
  }
  const syslog = connected(paths.syslog);
  if (syslog === undefined) return undefined;
  return journalOn(syslog, 'syslog', (priority, fields) => {
    const message = fields.find(([name]) => name === 'MESSAGE')?.[1] ?? '';
    const text = typeof message === 'string' ? message : Buffer.from(message).toString('utf8');
    return utf8(`<${FACILITY * 8 + priority}>${identifier}[${process.pid}]: ${text.replaceAll('\n', ' ')}`);
  });
}

/** systemd's native protocol: `NAME=value`, or where a value has a newline, the name, its length, and the value. */
export function encodeJournal(fields: readonly JournalField[]): Uint8Array {
  const writer = new ByteWriter({ littleEndian: true });
  for (const [name, value] of fields) {
    const bytes = typeof value === 'string' ? utf8(value.toWellFormed()) : value;
    if (!bytes.includes(NEWLINE))
      writer
        .bytes(utf8(`${name}=`))
        .bytes(bytes)
        .u8(NEWLINE);
    else
      writer
        .bytes(utf8(`${name}\n`))
        .u64(BigInt(bytes.length))
        .bytes(bytes)
        .u8(NEWLINE);
  }
  return writer.finish();
}

function journalOn(
  fd: number,
  kind: Journal['kind'],
  encode: (priority: number, fields: readonly JournalField[]) => Uint8Array,
): Journal {
  return {
    kind,
    write(priority, fields) {
      const bytes = encode(priority, fields);
      return bytes.length <= LONGEST && send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) === bytes.length;
    },
    close: () => close(fd),
  };
}

function connected(path: string): number | undefined {
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  if (connect(fd, address(path), ADDRESS_SIZE) === 0) return fd;
  close(fd);
  return undefined;
}

/** struct sockaddr_un */
function address(path: string): Uint8Array {
  const bytes = Buffer.alloc(ADDRESS_SIZE);
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.write(path, 2, ADDRESS_SIZE - 3, 'utf8');
  return bytes;
}
