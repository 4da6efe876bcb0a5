import { endianness } from 'node:os';
import { load } from 'koffi';

export { Pinned } from '../libc/index.ts';

/** One of the low-level hashes of OpenSSL (include/openssl/sha.h), by the addresses of context and data. */
export interface OpensslHash {
  readonly init: (context: number) => number;
  readonly update: (context: number, data: number, length: number) => number;
}

/** koffi passes an address that is a number faster than a buffer or a bigint. */
export function opensslHash(init: string, update: string): OpensslHash {
  const node = load(null);
  return {
    init: node.func(init, 'int', ['uintptr_t']),
    update: node.func(update, 'int', ['uintptr_t', 'uintptr_t', 'size_t']),
  };
}

/** A function of OpenSSL without a result, that takes addresses and numbers. @throws Error where there is none */
export function opensslFunction(name: string, parameters: number): (...words: number[]) => number {
  return load(null).func(name, 'void', Array<string>(parameters).fill('uintptr_t'));
}

/** The contexts are read as 32-bit words of a little-endian machine. */
export function contextsAreReadable(): boolean {
  return endianness() === 'LE' && (process.arch === 'x64' || process.arch === 'arm64');
}
