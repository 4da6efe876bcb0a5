import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  encodeEnd,
  encodeHeader,
  encodeObject,
  signBaseline,
  type BaselineHeader,
  type BaselineObject,
  type BaselineSigner,
} from '@assay/core/baseline';
import { utf8 } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';

const BATCH_CHARACTERS = 256 * 1024;

/** Writes a baseline beside its place and moves it there when it is whole. */
export class BaselineWriter implements Disposable {
  readonly #path: string;
  readonly #beside: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  #batch = '';
  #isOpen = true;
  objects = 0;

  /** @throws Error of the file system */
  constructor(path: string, header: BaselineHeader) {
    this.#path = path;
    this.#beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
    this.#fd = openSync(this.#beside, 'wx', 0o600);
    this.#batch = `${encodeHeader(header)}\n`;
  }

  /** In the order of paths. */
  add(object: BaselineObject): void {
    this.#batch += `${encodeObject(object)}\n`;
    this.objects += 1;
    if (this.#batch.length >= BATCH_CHARACTERS) this.#flush();
  }

  /** Ends it, signs it where there is a signer, and puts it in its place. @throws SystemError SIGNER-FAILED */
  async finish(signer: BaselineSigner | undefined): Promise<void> {
    this.#flush();
    const end = encodeEnd(this.objects, this.#hash.digest());
    this.#write(Buffer.from(`${end}\n`));
    if (signer !== undefined) this.#write(Buffer.from(`${await signBaseline(utf8(end), signer, nodeCrypto)}\n`));
    fsyncSync(this.#fd);
    this.#close();
    renameSync(this.#beside, this.#path);
  }

  /** Takes away what was not finished. */
  [Symbol.dispose](): void {
    this.#close();
    rmSync(this.#beside, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#batch);
    this.#batch = '';
    this.#hash.update(bytes);
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}
