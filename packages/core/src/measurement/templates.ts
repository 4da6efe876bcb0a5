import { FormatError } from '../errors/index.ts';
import { isFieldId, type FieldId } from './fields.ts';

/** Built-in templates (security/integrity/ima/ima_template.c, builtin_templates) that this version reads and writes. */
const TEMPLATES = {
  'ima-ng': ['d-ng', 'n-ng'],
  'ima-sig': ['d-ng', 'n-ng', 'sig'],
  'ima-buf': ['d-ng', 'n-ng', 'buf'],
} as const satisfies Record<string, readonly FieldId[]>;

export type TemplateName = keyof typeof TEMPLATES;

/** Limit of the kernel for fields in a format (IMA_TEMPLATE_NUM_FIELDS_MAX). */
const FIELDS_LIMIT = 15;

/**
 * Fields of a template by its name, or by its format string where the template is a custom one. A format must begin with
 * digest and name: no template digest covers the template's name, so whoever sends a list could otherwise have a
 * signature or a buffer of an entry read as the digest of it.
 * @throws FormatError LIST-TEMPLATE
 */
export function fieldsOf(template: string): readonly FieldId[] {
  if (isTemplateName(template)) return TEMPLATES[template];
  const ids = template.split('|');
  const known = ids.filter(isFieldId);
  if (known.length !== ids.length || ids.length > FIELDS_LIMIT || new Set(ids).size !== ids.length) {
    throw new FormatError('LIST-TEMPLATE', `unknown template ${JSON.stringify(template.slice(0, 64))}`);
  }
  if (known[0] !== 'd-ng' || known[1] !== 'n-ng') {
    throw new FormatError('LIST-TEMPLATE', `template ${JSON.stringify(template)} does not begin with d-ng|n-ng`);
  }
  return known;
}

function isTemplateName(name: string): name is TemplateName {
  return Object.hasOwn(TEMPLATES, name);
}
