import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { onArchitecture, syscall } from './libc.ts';

const CLOCK_SETTIME = onArchitecture({ x64: 227, arm64: 112 });
const CLOCK_REALTIME = 0;
const SECOND = 1_000_000_000n;
const TRIES = 1000;

/** Sets the clock of the machine to the time that it has anyway. @throws Error with the name of errno */
export function setClockToNow(): void {
  setClock(BigInt(Date.now()) * 1_000_000n);
}

/**
 * Changes a file without another change time, size or birth time: the clock is set back to its change time for some
 * microseconds. @throws Error with the name of errno, or where it cannot be done
 */
export function changeAtTheSameTime(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const at = fstatSync(fd).size - 1;
    const { ctimeNs } = fstatSync(fd, { bigint: true });
    for (let tries = 0; tries < TRIES; tries++) {
      // What the next change is told from is a time that nobody asked for (FS_MGTIME).
      writeSync(fd, 'a', at);
      const before = { real: BigInt(Date.now()) * 1_000_000n, steady: process.hrtime.bigint() };
      setClock(ctimeNs);
      writeSync(fd, tries % 2 === 0 ? 'b' : 'c', at);
      setClock(before.real + process.hrtime.bigint() - before.steady);
      if (fstatSync(fd, { bigint: true }).ctimeNs === ctimeNs) return;
    }
  } finally {
    closeSync(fd);
  }
  throw new Error('the change time is another one each time');
}

function setClock(nanoseconds: bigint): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(nanoseconds / SECOND, 0);
  time.writeBigInt64LE(nanoseconds % SECOND, 8);
  syscall('clock_settime', CLOCK_SETTIME, CLOCK_REALTIME, time);
}
