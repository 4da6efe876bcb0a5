import { equalBytes } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import type { PublicKey } from '../keys/index.ts';
import { soundKeyOf } from './strength.ts';
import { encodePublic, type ParsedPublic, type PublicArea } from './structures/public.ts';
import { EK_ECC_P256, EK_RSA_2048 } from './templates.ts';

/** A key whose public area is that of an EK template. Only `checkEndorsementKey` makes one. */
class EndorsementKey {
  readonly #public: ParsedPublic;
  readonly key: PublicKey;
  readonly template: 'L-1' | 'L-2';
  readonly symmetricBits: number;

  constructor(area: ParsedPublic, key: PublicKey, symmetricBits: number) {
    this.#public = area;
    this.key = key;
    this.template = area.type === 'rsa' ? 'L-1' : 'L-2';
    this.symmetricBits = symmetricBits;
  }

  get public(): ParsedPublic {
    return this.#public;
  }
}

export type VerifiedEndorsementKey = EndorsementKey;

/**
 * Equal to template L-1 or L-2 in all but the key itself, so that a TPM which holds it uses it for credentials only.
 * Whether a TPM holds it is the say of its certificate, or of the operator who accepts the host.
 * @throws VerificationError EK-UNTRUSTED
 */
export function checkEndorsementKey(area: ParsedPublic): VerifiedEndorsementKey {
  const template = area.type === 'rsa' ? EK_RSA_2048 : EK_ECC_P256;
  if (template.symmetric === null || !equalBytes(encodePublic(withoutKey(area)), encodePublic(withoutKey(template)))) {
    throw refused('its public area is of no EK template');
  }
  const key = soundKeyOf(area, refused);
  return new EndorsementKey(area, key, template.symmetric.keyBits);
}

function withoutKey(area: PublicArea): PublicArea {
  const none = new Uint8Array(0);
  return area.type === 'rsa' ? { ...area, modulus: none } : { ...area, x: none, y: none };
}

function refused(reason: string): VerificationError {
  return new VerificationError('EK-UNTRUSTED', `endorsement key refused: ${reason}`);
}
