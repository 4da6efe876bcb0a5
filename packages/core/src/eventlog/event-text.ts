import type { DecodedEvent } from './decode.ts';

/** What an event says, in one line of escaped text. */
export function eventText(event: DecodedEvent): string {
  return 'text' in event && event.kind !== 'blob' ? event.text : structureText(event);
}

function structureText(
  event: Exclude<DecodedEvent, { text: string }> | Extract<DecodedEvent, { kind: 'blob' }>,
): string {
  switch (event.kind) {
    case 'startup-locality':
      return `TPM started from locality ${event.locality}`;
    case 'separator':
      return `separator ${event.value}`;
    case 'variable':
      return `${event.name}${variableValue(event)}${followingText(event.following)}`;
    case 'authority':
      return `${event.name} vouches for an image`;
    case 'image':
      return event.path;
    case 'gpt':
      return `disk ${event.disk}: ${event.partitions.map(({ name }) => name || 'unnamed').join(', ')}`;
    case 'blob':
      return event.text || `${event.length} bytes at 0x${event.address.toString(16)}`;
    case 'opaque':
      return `${event.length} bytes`;
    case 'malformed':
      return `not of its form: ${event.problem.message}`;
  }
}

function followingText(following = 0): string {
  return following === 0 ? '' : `, and ${following} variables more`;
}

function variableValue(event: Extract<DecodedEvent, { kind: 'variable' }>): string {
  if (event.value !== undefined) return ` = ${event.value}`;
  if (event.signatures !== undefined)
    return ` with ${event.signatures} ${event.signatures === 1 ? 'certificate or digest' : 'certificates and digests'}`;
  return ` with ${event.length} bytes`;
}
