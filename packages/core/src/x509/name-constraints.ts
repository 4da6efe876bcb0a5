import { FormatError } from '../errors/index.ts';
import { DER, type DerReader, type ParsedCertificate } from '../keys/index.ts';
import { contentOf, EXTENSION } from './extensions.ts';
import { alternativeNames, DIRECTORY_NAME, isUnder, readGeneralName, type GeneralName } from './names.ts';

/**
 * Whether a certificate has a name that an authority above it may not give (RFC 5280 section 4.2.1.10). Of the kinds of
 * names, directoryName is compared; a constrained name of another kind counts as outside.
 * @throws FormatError DER-FORM
 */
export function isNameOutside(authority: ParsedCertificate, below: ParsedCertificate): boolean {
  const value = authority.extensions.get(EXTENSION.nameConstraints)?.value;
  if (value === undefined) return false;
  const constraints = contentOf(value, 'nameConstraints');
  const permitted = readSubtrees(constraints, 0);
  const excluded = readSubtrees(constraints, 1);
  constraints.end();
  return namesOf(below).some((name) => isExcluded(name, excluded) || !isPermitted(name, permitted));
}

/** An empty subject is no name to constrain: the alternative names stand in its place. */
function namesOf(certificate: ParsedCertificate): GeneralName[] {
  const subject = { tag: DIRECTORY_NAME, content: certificate.subject };
  const empty = certificate.subject.length === 2;
  return [...(empty ? [] : [subject]), ...alternativeNames(certificate)];
}

function isExcluded(name: GeneralName, bases: readonly GeneralName[]): boolean {
  return bases.some((base) => base.tag === name.tag && (name.tag !== DIRECTORY_NAME || lies(name, base)));
}

function isPermitted(name: GeneralName, bases: readonly GeneralName[]): boolean {
  const ofItsKind = bases.filter((base) => base.tag === name.tag);
  return ofItsKind.length === 0 || (name.tag === DIRECTORY_NAME && ofItsKind.some((base) => lies(name, base)));
}

function lies(name: GeneralName, base: GeneralName): boolean {
  return isUnder(name.content, base.content);
}

function readSubtrees(constraints: DerReader, tag: number): GeneralName[] {
  if (constraints.nextTag !== DER.context(tag)) return [];
  const subtrees = constraints.enter(DER.context(tag), 'GeneralSubtrees');
  const bases: GeneralName[] = [];
  while (subtrees.nextTag !== undefined) {
    const subtree = subtrees.enter(DER.sequence, 'GeneralSubtree');
    bases.push(readGeneralName(subtree));
    // RFC 5280: minimum is zero, which DER leaves out, and maximum is absent.
    if (subtree.nextTag !== undefined) throw new FormatError('DER-FORM', 'nameConstraints: a subtree has bounds');
  }
  if (bases.length === 0) throw new FormatError('DER-FORM', 'nameConstraints: an empty list of subtrees');
  return bases;
}
