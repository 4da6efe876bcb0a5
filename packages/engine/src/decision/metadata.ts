import { fromHex } from '@assay/core/bytes';
import { evmStatus, type EvmFile, type EvmResult, type EvmState, type KernelWrite } from '@assay/core/appraisal';
import { hmacLabel } from '@assay/core/evm';
import { encodeEvmLabel } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import type { OpenedFile } from './contract.ts';

/** What EVM says of an opened file. */
export function evmOf(file: OpenedFile, state: EvmState): EvmResult {
  return evmStatus(evmFile(file, state), state, nodeCrypto);
}

/**
 * The HMAC that the kernel would set along with a new security.ima (evm_main.c, evm_inode_post_setxattr); nothing without
 * a key, or on file systems of which EVM keeps none.
 */
export function hmacBeside(label: Uint8Array, file: OpenedFile, state: EvmState | undefined): KernelWrite[] {
  if (state === undefined || state.hmacKey === null || file.fileSystem.isHmacUnsupported === true) return [];
  const { metadata, fsUuid } = evmFile(file, state);
  const xattrs = new Map([...metadata.xattrs, ['security.ima', label] as const]);
  const form = { form: 'bound', wordBits: state.wordBits, xattrs: state.enabled, fsUuid } as const;
  const value = encodeEvmLabel(hmacLabel(nodeHasher, state.hmacKey, { ...metadata, xattrs }, form));
  return [{ name: 'security.evm', value }];
}

function evmFile(file: OpenedFile, { listed }: EvmState): EvmFile {
  const { state, fileSystem } = file;
  const xattrs = listed.flatMap((name) => {
    const value = file.xattr(name);
    return value instanceof Uint8Array ? [[name, value] as const] : [];
  });
  return {
    evm: file.xattr('security.evm'),
    metadata: {
      inode: state.inode,
      generation: file.generation(),
      uid: state.owner,
      gid: state.group,
      mode: state.mode,
      xattrs: new Map(xattrs),
    },
    fsUuid: fromHex((fileSystem.uuid ?? NO_UUID).replaceAll('-', '')),
    isHmacUnsupported: fileSystem.isHmacUnsupported === true,
    isImmutable: fileSystem.isReadOnly === true || file.isImmutable(),
  };
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';
