import { FormatError } from '../errors/index.ts';
import { isFieldId, type FieldId } from './fields.ts';

/** Built-in templates of Linux 5.4 to 7.2 (security/integrity/ima/ima_template.c, builtin_templates). */
const TEMPLATES = {
  ima: ['d', 'n'],
  'ima-ng': ['d-ng', 'n-ng'],
  'ima-ngv2': ['d-ngv2', 'n-ng'],
  'ima-sig': ['d-ng', 'n-ng', 'sig'],
  'ima-sigv2': ['d-ngv2', 'n-ng', 'sig'],
  'ima-buf': ['d-ng', 'n-ng', 'buf'],
  'ima-modsig': ['d-ng', 'n-ng', 'sig', 'd-modsig', 'modsig'],
  'evm-sig': ['d-ng', 'n-ng', 'evmsig', 'xattrnames', 'xattrlengths', 'xattrvalues', 'iuid', 'igid', 'imode'],
} as const satisfies Record<string, readonly FieldId[]>;

export type TemplateName = keyof typeof TEMPLATES;

/** Limit of the kernel for fields in a format (IMA_TEMPLATE_NUM_FIELDS_MAX). */
const FIELDS_LIMIT = 15;

/**
 * Fields of a template by its name, or by its format string where the template is a custom one.
 * @throws FormatError LIST-TEMPLATE
 */
export function fieldsOf(template: string): readonly FieldId[] {
  if (isTemplateName(template)) return TEMPLATES[template];
  const ids = template.split('|');
  const known = ids.filter(isFieldId);
  if (known.length !== ids.length || ids.length > FIELDS_LIMIT) {
    throw new FormatError('LIST-TEMPLATE', `unknown template ${JSON.stringify(template.slice(0, 64))}`);
  }
  return known;
}

function isTemplateName(name: string): name is TemplateName {
  return Object.hasOwn(TEMPLATES, name);
}

/**
 * The one template whose fields have no lengths, and whose digest covers a padded name; a custom format `d|n` is laid out
 * like all others (ima_crypto.c, ima_calc_field_array_hash_tfm; ima_fs.c, ima_measurements_show).
 */
export function isOldTemplate(template: string): boolean {
  return template === 'ima';
}

/**
 * Whether digest and name of an entry are what its template digest covers, whatever its template is called. No template
 * digest covers the template's name, so whoever sends a list could have a signature or a buffer of an entry read as its
 * digest, were the fields allowed in any order. The old template is told from all others by its layout.
 */
export function beginsWithDigestAndName(template: string): boolean {
  const [first, second] = fieldsOf(template);
  return (first === 'd-ng' || first === 'd-ngv2') && second === 'n-ng';
}
