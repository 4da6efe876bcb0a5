import { maskText, type Demands, type Evaluation, type EventFile, type PolicyEvent } from '@assay/core/policy';

/** The facts of an event as a document; what is not known is left out. */
export function eventDocument({ func, mask, subject, file, data }: PolicyEvent): object {
  return {
    func,
    mask: maskText(mask),
    subject,
    ...(file === undefined ? {} : { file: fileDocument(file) }),
    ...(data === undefined ? {} : { data }),
  };
}

function fileDocument({ magic, ...rest }: EventFile): object {
  return { ...rest, ...(magic === undefined ? {} : { magic: `0x${magic.toString(16)}` }) };
}

/** `BPRM_CHECK MAY_EXEC by uid 0, euid 0, gid 0, egid 0`, and what is known of the file. */
export function eventText({ func, mask, subject, file, data }: PolicyEvent): string {
  const { uid, euid, gid, egid } = subject;
  const who = `${func} ${maskText(mask)} by uid ${uid}, euid ${euid}, gid ${gid}, egid ${egid}`;
  if (data !== undefined) return `${who}; ${data}`;
  return file === undefined ? who : `${who}; ${fileText(file)}`;
}

function fileText({ owner, group, magic, type, subtype, uuid }: EventFile): string {
  const known = (name: string, value: string | number | undefined): string => `${name} ${value ?? 'not known'}`;
  const fsname = type === undefined || subtype === undefined || subtype === '' ? type : `${type}.${subtype}`;
  return [
    `${known('owner', owner)}:${group ?? 'not known'}`,
    known('file system', fsname),
    known('magic', magic === undefined ? undefined : `0x${magic.toString(16)}`),
    known('uuid', uuid),
  ].join(', ');
}

/** What the kernel demands and does besides the actions, in words. */
export function* demandTexts({ actions, demands, algorithms, pcr, template }: Evaluation): Generator<string> {
  if (actions.has('measure')) {
    yield pcr === undefined ? 'into the default PCR, 10' : `into PCR ${pcr}`;
    yield template === undefined ? 'in the template of the boot parameters' : `in template ${template}`;
  }
  if (!actions.has('appraise')) return;
  for (const [name, text] of DEMANDS) if (demands[name]) yield text;
  if (!demands.signature) yield 'a digest in security.ima will do';
  if (algorithms !== undefined) yield `digested with ${algorithms.join(' or ')}, else the first access is refused`;
}

const DEMANDS: readonly (readonly [keyof Demands, string])[] = [
  ['signature', 'a signature is demanded'],
  ['sigv3', 'of version 3'],
  ['modsig', 'an appended signature will do'],
  ['blacklist', 'the digest must not be in the keyring .blacklist'],
  ['verity', 'the digest of fs-verity is meant'],
  ['permitDirectio', 'O_DIRECT is allowed'],
  ['failUnverifiable', 'files on file systems that can change unseen, such as FUSE, fail'],
];
