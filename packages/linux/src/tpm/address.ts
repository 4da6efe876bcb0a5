import { openTpmDevice } from './device.ts';
import { connectSwtpm, type SocketAddress } from './swtpm.ts';
import type { TpmTransport } from './transport.ts';

/** Where a TPM is: a device, or the socket of a swtpm. */
export type TpmAddress =
  | { readonly kind: 'device'; readonly path: string }
  | { readonly kind: 'swtpm'; readonly socket: SocketAddress };

const DEFAULT_DEVICE = '/dev/tpmrm0';

/**
 * `device`, `device:PATH`, `swtpm:unix:PATH`, `swtpm:tcp:HOST:PORT` (an IPv6 address in brackets), or `swtpm:PATH`.
 * @returns undefined for any other text
 */
export function parseTpmAddress(text: string): TpmAddress | undefined {
  const [, kind, rest] = /^(device|swtpm)(?::(.+))?$/s.exec(text) ?? [];
  if (kind === 'device') return { kind, path: rest ?? DEFAULT_DEVICE };
  const socket = rest === undefined ? undefined : parseSocketAddress(rest);
  return kind === 'swtpm' && socket !== undefined ? { kind, socket } : undefined;
}

/** `unix:PATH`, `tcp:HOST:PORT`, or PATH; undefined for a port that is none. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  if (text.startsWith('unix:')) return text.slice('unix:'.length) || undefined;
  if (!text.startsWith('tcp:')) return text;
  const [, bracketed, plain, digits] = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** @throws SystemError TPM-UNREACHABLE, NOT-PERMITTED */
export async function openTpmAddress(address: TpmAddress): Promise<TpmTransport> {
  return address.kind === 'device' ? openTpmDevice(address.path) : connectSwtpm(address.socket);
}
