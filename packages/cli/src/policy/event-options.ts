import {
  accessMask,
  functionMask,
  LABEL_FIELDS,
  plainSubject,
  type EventFile,
  type EventFunction,
  type PolicyEvent,
  type Subject,
} from '@assay/core/policy';
import { fileSystemType } from '@assay/linux/survey';
import { z } from 'zod';
import { UsageError } from '../exit.ts';
import { fileFacts } from './file-facts.ts';

const FUNCTIONS = [
  'FILE_CHECK',
  'MMAP_CHECK',
  'MMAP_CHECK_REQPROT',
  'BPRM_CHECK',
  'CREDS_CHECK',
  'MODULE_CHECK',
  'FIRMWARE_CHECK',
  'KEXEC_KERNEL_CHECK',
  'KEXEC_INITRAMFS_CHECK',
  'KEXEC_CMDLINE',
  'POLICY_CHECK',
  'KEY_CHECK',
  'CRITICAL_DATA',
  'POST_SETATTR',
] as const satisfies EventFunction[];

const Id = z.coerce.number('is no id').int().min(0).max(4294967294, 'is over 4294967294').optional();
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Options that say what access is asked about. */
export const EventOptions = z.object({
  path: z.string().min(1, 'names no file').optional(),
  func: z.enum(FUNCTIONS, `takes one of ${FUNCTIONS.join(', ')}`),
  mask: z
    .string()
    .transform(accessMask)
    .refine((mask) => mask !== undefined, 'takes none, or MAY_READ, MAY_WRITE, MAY_EXEC, MAY_APPEND with | between')
    .optional(),
  uid: Id,
  euid: Id,
  gid: Id,
  egid: Id,
  owner: Id,
  group: Id,
  fsmagic: z
    .string()
    .regex(/^(?:0x)?[0-9a-f]{1,16}$/i, 'takes a hexadecimal number')
    .transform((text) => BigInt(`0x${text.replace(/^0x/i, '')}`))
    .optional(),
  fsname: z.string().min(1, 'takes a type such as ext4 or fuse.sshfs').optional(),
  fsuuid: z.string().toLowerCase().regex(UUID, 'takes a UUID').optional(),
  data: z.string().min(1, 'takes the name of a keyring or a label').optional(),
  label: z
    .array(z.string().regex(new RegExp(`^(?:${LABEL_FIELDS.join('|')})=.`), 'takes such as obj_type=bin_t'))
    .optional(),
});
type Given = z.infer<typeof EventOptions>;

const BUFFERS: ReadonlySet<EventFunction> = new Set(['KEY_CHECK', 'CRITICAL_DATA']);

/** The access that the options name, with the facts of a file of this machine where it exists. */
export async function eventFrom(given: Given): Promise<PolicyEvent> {
  const { func, mask, data } = given;
  if (given.path === undefined && data === undefined && BUFFERS.has(func))
    throw new UsageError(`--data names the ${func === 'KEY_CHECK' ? 'keyring' : 'label'} that ${func} is about`);
  const facts = given.path === undefined ? undefined : await fileFacts(given.path);
  return {
    func,
    mask: mask ?? functionMask(func),
    subject: subjectFrom(given),
    ...(BUFFERS.has(func) ? {} : { file: { ...facts, ...fileFrom(given) } }),
    ...(data === undefined ? {} : { data }),
    ...(given.label === undefined ? {} : { hasLabel: labelsFrom(given.label) }),
  };
}

function subjectFrom({ uid = 0, gid = uid, euid = uid, egid = gid }: Given): Subject {
  const plain = plainSubject(uid, gid);
  const isRoot = euid === 0;
  return { ...plain, euid, suid: euid, egid, sgid: egid, setuid: isRoot, setgid: isRoot };
}

function fileFrom({ owner, group, fsmagic, fsname, fsuuid }: Given): EventFile {
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(group === undefined ? {} : { group }),
    ...(fsmagic === undefined ? {} : { magic: fsmagic }),
    ...(fsname === undefined ? {} : fileSystemType(fsname)),
    ...(fsuuid === undefined ? {} : { uuid: fsuuid }),
  };
}

/** What is given is so; of a field that is not given nothing is known. */
function labelsFrom(given: readonly string[]): NonNullable<PolicyEvent['hasLabel']> {
  const known = new Set(given.map((label) => label.slice(0, label.indexOf('='))));
  const labels = new Set(given);
  return (field, text) => (known.has(field) ? labels.has(`${field}=${text}`) : undefined);
}
