import { equalBytes } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import type { PublicKey } from '../keys/index.ts';
import { soundKeyOf } from './strength.ts';
import { encodePublic, type ParsedPublic, type PublicArea } from './structures/public.ts';
import { EK_TEMPLATES, type EkTemplateName } from './templates.ts';

/** A key whose public area is that of an EK template. Only `checkEndorsementKey` makes one. */
class EndorsementKey {
  readonly #public: ParsedPublic;
  readonly key: PublicKey;
  readonly template: EkTemplateName;
  readonly symmetricBits: number;

  constructor(area: ParsedPublic, key: PublicKey, template: EkTemplateName, symmetricBits: number) {
    this.#public = area;
    this.key = key;
    this.template = template;
    this.symmetricBits = symmetricBits;
  }

  get public(): ParsedPublic {
    return this.#public;
  }
}

export type VerifiedEndorsementKey = EndorsementKey;

/**
 * Equal to a template in all but the key itself, so that a TPM which holds it uses it for credentials only.
 * Whether a TPM holds it is the say of its certificate, or of the operator who accepts the host.
 * @throws VerificationError EK-UNTRUSTED
 */
export function checkEndorsementKey(area: ParsedPublic): VerifiedEndorsementKey {
  const given = encodePublic(withoutKey(area));
  const name = TEMPLATE_NAMES.find((each) => equalBytes(given, encodePublic(withoutKey(EK_TEMPLATES[each].area))));
  const symmetric = name === undefined ? null : EK_TEMPLATES[name].area.symmetric;
  if (name === undefined || symmetric === null) throw refused('its public area is of no EK template');
  return new EndorsementKey(area, soundKeyOf(area, refused), name, symmetric.keyBits);
}

const TEMPLATE_NAMES = Object.keys(EK_TEMPLATES).filter((name): name is EkTemplateName => name in EK_TEMPLATES);

function withoutKey(area: PublicArea): PublicArea {
  const none = new Uint8Array(0);
  if (area.type === 'ecc') return { ...area, x: none, y: none };
  return area.type === 'rsa' ? { ...area, modulus: none } : area;
}

function refused(reason: string): VerificationError {
  return new VerificationError('EK-UNTRUSTED', `endorsement key refused: ${reason}`);
}
