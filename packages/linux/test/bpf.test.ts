import assert from 'node:assert/strict';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FormatError, SystemError } from '@assay/core/errors';
import { BpfMap, Code, kernelTypes, LsmProgram, parseKernelTypes, type MapSetup } from '@assay/linux/bpf';
import { bpfLsm, refusedHooks } from '@assay/linux/lsm';
import * as fc from 'fast-check';
import { bpf, close, lastErrno, Pinned } from '../src/libc/index.ts';

// What of BPF this kernel grants is used in earnest. A kernel in lockdown does not grant programs at hooks of security modules.

const found = bpfLsm();
const needsBpf = found.call === 'works' ? false : 'it needs root and a kernel with bpf(2)';
const noTypes = found.types ? false : 'this kernel tells no types (CONFIG_DEBUG_INFO_BTF)';
const refusedHere = refusedHooks(['mmap_file']).get('mmap_file');

const INT = (size: number): number[] => [1, 1 << 24, size, size * 8];
const STRUCT = 4;
const UNION = 5;
/** A structure of members: name, type, bits. */
const structure = (name: number, kind: number, size: number, ...members: number[][]): number[] => [
  name,
  (kind << 24) | members.length,
  size,
  ...members.flat(),
];
// Offsets of names: 1 int, 5 outer, 11 a, 13 b, 15 c, 17 alias
const NAMES = '\0int\0outer\0a\0b\0c\0alias\0';
const TYPES = [
  INT(4), // 1
  structure(0, UNION, 8, [13, 1, 0], [15, 6, 0]), // 2: union { int b; alias c; }
  structure(0, STRUCT, 16, [0, 2, 64]), // 3: struct { int unused; union 2 }
  structure(5, STRUCT, 32, [11, 1, 0], [0, 3, 64], [17, 7, 192]), // 4: struct outer { int a; struct 3; int alias[2] }
  [5, 12 << 24, 8], // 5: a function `outer`
  [17, 8 << 24, 1], // 6: typedef int alias
  [0, 3 << 24, 0, 6, 1, 2], // 7: alias[2]
  [0, (13 << 24) | 2, 0, 11, 1, 15, 4], // 8: void (int a, struct outer c)
];

function btf(types: readonly number[][] = TYPES, names = NAMES, change?: (bytes: Buffer) => void): Buffer {
  const body = Buffer.from(Uint32Array.from(types.flat()).buffer);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  for (const [index, word] of [24, 0, body.length, body.length, names.length].entries())
    header.writeUInt32LE(word, 4 + 4 * index);
  const bytes = Buffer.concat([header, body, Buffer.from(names, 'latin1')]);
  change?.(bytes);
  return bytes;
}

test('members are found where they lie, in structures and unions without a name, too', () => {
  const types = parseKernelTypes(btf());
  assert.equal(types.count, 9);
  assert.equal(types.functionId('outer'), 5);
  assert.equal(types.functionId('inner'), undefined);
  assert.deepEqual(types.parameters('outer'), ['a', 'c']);
  assert.equal(types.parameters('inner'), undefined);
  assert.deepEqual(types.member('outer', 'a'), { offset: 0, size: 4 });
  assert.deepEqual(types.member('outer', 'b'), { offset: 16, size: 4 });
  assert.deepEqual(types.member('outer', 'c'), { offset: 16, size: 4 });
  assert.deepEqual(types.member('outer', 'alias'), { offset: 24, size: 8 });
  assert.equal(types.member('outer', 'd'), undefined);
  assert.equal(types.member('outer', 'a.b'), undefined);
  assert.equal(types.member('inner', 'a'), undefined);
});

const malformed: readonly [what: string, bytes: Uint8Array][] = [
  ['nothing', new Uint8Array()],
  ['a header that is cut', btf().subarray(0, 23)],
  ['another beginning', btf(TYPES, NAMES, (bytes) => bytes.writeUInt16BE(0xeb9f, 0))],
  ['another version', btf(TYPES, NAMES, (bytes) => bytes.writeUInt8(2, 2))],
  ['flags', btf(TYPES, NAMES, (bytes) => bytes.writeUInt8(1, 3))],
  ['a header that is too short', btf(TYPES, NAMES, (bytes) => bytes.writeUInt32LE(20, 4))],
  ['a header that is too long', btf(TYPES, NAMES, (bytes) => bytes.writeUInt32LE(0xffff_fff0, 4))],
  ['types behind the end', btf(TYPES, NAMES, (bytes) => bytes.writeUInt32LE(0xffff_fff0, 12))],
  ['types that are not aligned', btf(TYPES, NAMES, (bytes) => bytes.writeUInt32LE(2, 8))],
  ['names behind the end', btf(TYPES, NAMES, (bytes) => bytes.writeUInt32LE(NAMES.length + 1, 20))],
  ['names before the types', btf(TYPES, NAMES, (bytes) => bytes.writeUInt32LE(0, 16))],
  ['bytes behind the names', Buffer.concat([btf(), Buffer.alloc(1)])],
  ['no names', btf(TYPES, '')],
  ['names that do not begin with a zero', btf(TYPES, NAMES.slice(1))],
  ['names that do not end with a zero', btf(TYPES, NAMES.slice(0, -1))],
  ['a type that is cut', btf([...TYPES, [0, 2 << 24]])],
  ['an int that is cut', btf([...TYPES, [1, 1 << 24, 4]])],
  ['members that are cut', btf([...TYPES, [5, (STRUCT << 24) | 2, 8, 1, 1, 0]])],
  ['a kind that is not known', btf([...TYPES, [0, 20 << 24, 0]])],
  ['the kind of nothing', btf([...TYPES, [0, 0, 0]])],
  ['a kind with bits that mean nothing', btf([...TYPES, [0, 0x0201_0000, 0]])],
  ['a name behind the names', btf([...TYPES, [NAMES.length, 7 << 24, 0]])],
  ['a pointer to a type that is not there', btf([...TYPES, [0, 2 << 24, 10]])],
];
for (const [what, bytes] of malformed) {
  test(`types with ${what} are refused`, () => {
    assert.throws(() => parseKernelTypes(bytes), { name: 'FormatError', code: 'BTF-FORM' });
  });
}

test('types of more bytes than any kernel has are refused', () => {
  const bytes = new Uint8Array(64 * 1024 * 1024 + 1);
  assert.throws(() => parseKernelTypes(bytes), { name: 'FormatError', code: 'BYTES-LIMIT' });
});

const unusable: readonly [what: string, types: number[][]][] = [
  ['a bit field', [INT(4), structure(5, STRUCT | 0x80, 4, [11, 1, 1 << 24])]],
  ['a member of a type that is not there', [INT(4), structure(5, STRUCT, 4, [11, 9, 0])]],
  ['two structures of one name that differ', [INT(4), ...[0, 32].map((at) => structure(5, STRUCT, 8, [11, 1, at]))]],
  ['names for types in a circle', [INT(4), structure(5, STRUCT, 4, [11, 3, 0]), [0, 10 << 24, 3]]],
  ['a structure without a name that holds itself', [INT(4), structure(5, STRUCT, 4, [0, 2, 0], [0, 2, 0])]],
];
for (const [what, types] of unusable) {
  test(`${what} is refused when it is looked for`, () => {
    const parsed = parseKernelTypes(btf(types));
    assert.throws(() => parsed.member('outer', 'a'), { name: 'FormatError', code: 'BTF-FORM' });
  });
}

test('any bytes are types, or refused with a FormatError', () => {
  const sound = btf();
  const changes = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(changes, (all) => {
      const bytes = Buffer.from(sound);
      for (const [at, value] of all) bytes[at] = value;
      try {
        const types = parseKernelTypes(bytes);
        for (const path of ['a', 'b', 'alias', 'a.b']) types.member('outer', path);
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }),
  );
});

test('the types of this kernel have what its interfaces say', { skip: noTypes }, () => {
  const types = kernelTypes();
  assert.ok(types.count > 10_000);
  const given = types.parameters('bpf_lsm_mmap_file')?.map((name) => name.replace('__nullable', ''));
  assert.deepEqual(given, ['file', 'reqprot', 'prot', 'flags']);
  // Fixed by the interface to programs in user space (include/uapi/linux).
  assert.deepEqual(types.member('stat', 'st_ino'), { offset: 8, size: 8 });
  assert.deepEqual(types.member('pollfd', 'revents'), { offset: 6, size: 2 });
  assert.deepEqual(types.member('bpf_attr_none', 'map_fd'), undefined);
  for (const path of ['i_sb', 'i_ino', 'i_writecount']) assert.notEqual(types.member('inode', path), undefined, path);
  assert.equal(types.member('file', 'f_path.dentry')?.size, 8);
});

test('instructions are written as the standard says', () => {
  const written: readonly [Code, string][] = [
    [new Code().set(1, -2), 'b701 0000 feffffff'],
    [new Code().set(1, { in: 9 }), 'bf91 0000 00000000'],
    [new Code().calculate('add', 10, -8), '070a 0000 f8ffffff'],
    [new Code().calculate('and', 3, { in: 4 }), '5f43 0000 00000000'],
    [new Code().load(1, 1, 2, 3), '7121 0300 00000000'],
    [new Code().load(8, 1, 2, -8), '7921 f8ff 00000000'],
    [new Code().store(4, 10, -4, 7), '620a fcff 07000000'],
    [new Code().store(2, 1, 6, { in: 5 }), '6b51 0600 00000000'],
    [new Code().addAt(1, 16, 2), 'db21 1000 00000000'],
    [new Code().call(14), '8500 0000 0e000000'],
    [new Code().map(1, 5), '1811 0000 05000000 0000 0000 00000000'],
    [new Code().value(1, 5, 8), '1821 0000 05000000 0000 0000 08000000'],
    [new Code().exit(0), 'b700 0000 00000000 9500 0000 00000000'],
    [new Code().jumpIf(1, 'signed>', 0, 'end').set(0, 0).label('end'), '6501 0100 00000000 b700 0000 00000000'],
    [new Code().jump('end').label('end'), '0500 0000 00000000'],
  ];
  for (const [code, hex] of written) assert.equal(Buffer.from(code.bytes()).toString('hex'), hex.replaceAll(' ', ''));
});

test('code that would go astray is not written', () => {
  assert.throws(() => new Code().jump('nowhere').bytes(), RangeError);
  assert.throws(() => new Code().label('back').set(0, 0).jump('back').bytes(), RangeError);
  assert.throws(() => new Code().label('twice').label('twice'), RangeError);
  assert.throws(() => new Code().set(1, 2 ** 31).bytes(), RangeError);
  assert.throws(() => new Code().load(4, 1, 2, 40_000).bytes(), RangeError);
  const long = new Code();
  for (let count = 0; count < 5000; count++) long.set(0, 0);
  assert.throws(() => long.bytes(), RangeError);
});

/** Lets the kernel run a program that looks at a packet, which any kernel with bpf(2) does. */
function result(code: Code): number {
  const call = (command: number, fill: (attribute: Buffer) => void): [number, Buffer] => {
    const attribute = new Pinned(128);
    fill(attribute.bytes);
    return [bpf(process.arch === 'arm64' ? 280 : 321, command, attribute.address, 128), attribute.bytes];
  };
  const [bytes, licence, packet] = [code.bytes(), Pinned.text('Dual MIT/GPL'), new Pinned(64)];
  const instructions = new Pinned(bytes.length);
  instructions.bytes.set(bytes);
  const [program] = call(5, (attribute) => {
    attribute.writeUInt32LE(1, 0);
    attribute.writeUInt32LE(bytes.length / 8, 4);
    attribute.writeBigUInt64LE(BigInt(instructions.address), 8);
    attribute.writeBigUInt64LE(BigInt(licence.address), 16);
  });
  assert.ok(program >= 0, `errno ${lastErrno()}`);
  try {
    const [ran, attribute] = call(10, (attribute) => {
      attribute.writeUInt32LE(program, 0);
      attribute.writeUInt32LE(packet.bytes.length, 8);
      attribute.writeBigUInt64LE(BigInt(packet.address), 16);
    });
    assert.equal(ran, 0, `errno ${lastErrno()}`);
    return attribute.readUInt32LE(4);
  } finally {
    close(program);
  }
}

const ARRAY = { kind: 'array', name: 'test', keySize: 4, valueSize: 16, entries: 1 } as const satisfies MapSetup;

test('the kernel runs what is written as it is meant', { skip: needsBpf }, () => {
  const returns = (code: Code): number => result(code.exit());
  assert.equal(returns(new Code().set(0, 40).calculate('add', 0, 2)), 42);
  assert.equal(returns(new Code().set(0, 1).calculate('shiftLeft', 0, 5).calculate('or', 0, 3)), 35);
  assert.equal(returns(new Code().set(0, 0x70).calculate('shiftRight', 0, 4)), 7);
  assert.equal(returns(new Code().store(8, 10, -8, 0x1234_5678).load(2, 0, 10, -8)), 0x5678);
  for (const [left, condition, right, holds] of [
    [3, '=', 3, true],
    [3, '!=', 3, false],
    [-1, '>', 5, true],
    [-1, 'signed>', 5, false],
    [6, '&', 4, true],
    [5, '>=', 5, true],
    [5, '<', 5, false],
  ] as const) {
    const branch = new Code().set(0, 1).set(1, left).jumpIf(1, condition, right, 'end').set(0, 0).label('end');
    assert.equal(returns(branch), holds ? 1 : 0, `${left} ${condition} ${right}`);
  }
  using map = new BpfMap(ARRAY);
  const counted = (): number => returns(new Code().value(1, map.fd, 8).set(2, 5).addAt(1, 0, 2).load(8, 0, 1, 0));
  assert.deepEqual([counted(), counted()], [5, 10]);
  map.key.writeUInt32LE(0);
  assert.equal(map.look(), true);
  assert.equal(map.value.readBigUInt64LE(8), 10n);
});

test('maps keep what they are given, until it is taken away', { skip: needsBpf }, () => {
  using map = new BpfMap({ kind: 'hash', name: 'test', keySize: 4, valueSize: 8, entries: 2 });
  map.key.writeUInt32LE(7);
  assert.equal(map.look(), false);
  assert.equal(map.update('present'), false);
  map.value.writeBigUInt64LE(5n);
  assert.equal(map.update('absent'), true);
  assert.equal(map.update('absent'), false);
  map.value.fill(0);
  assert.equal(map.look(), true);
  assert.equal(map.value.readBigUInt64LE(), 5n);
  assert.deepEqual([map.remove(), map.remove(), map.look()], [true, false, false]);
});

test('a queue gives what it was given first', { skip: needsBpf }, () => {
  using queue = new BpfMap({ kind: 'queue', name: 'test', keySize: 0, valueSize: 8, entries: 4 });
  assert.equal(queue.take(), false);
  for (const value of [1n, 2n]) {
    queue.value.writeBigUInt64LE(value);
    queue.update();
  }
  assert.deepEqual([queue.take(), queue.value.readBigUInt64LE()], [true, 1n]);
  assert.deepEqual([queue.take(), queue.value.readBigUInt64LE(), queue.take()], [true, 2n, false]);
});

test('a map of inodes knows a file by any of its descriptors', {
  skip: found.active === true ? needsBpf : 'bpf is not among the security modules (lsm=)',
}, (context) => {
  const path = join(tmpdir(), `assay-bpf-${process.pid}`);
  writeFileSync(path, '');
  context.after(() => rmSync(path));
  using map = new BpfMap({ kind: 'inodes', name: 'test', keySize: 4, valueSize: 24, entries: 0 });
  const [first, second] = [openSync(path, 'r'), openSync(path, 'r')];
  map.key.writeInt32LE(first);
  map.value.writeUInt32LE(9, 20);
  assert.deepEqual([map.update('present'), map.update('absent'), map.update('absent')], [false, true, false]);
  map.value.fill(0);
  map.key.writeInt32LE(second);
  assert.deepEqual([map.look(), map.value.readUInt32LE(20), map.remove(), map.remove()], [true, 9, true, false]);
  for (const fd of [first, second]) closeSync(fd);
});

test('a map that the kernel does not make is an error with its name', { skip: needsBpf }, () => {
  const made = (): BpfMap => new BpfMap({ ...ARRAY, name: 'wrong', keySize: 8 });
  assert.throws(made, { name: 'SystemError', code: 'SYSTEM-CALL', message: /wrong.*EINVAL/ });
});

test('a program for a hook that no kernel has is not loaded', { skip: noTypes }, () => {
  const load = (): LsmProgram => new LsmProgram(kernelTypes(), 'no_such_hook', new Code().exit(0).bytes());
  assert.throws(load, { name: 'SystemError', code: 'KERNEL-LACKS', message: /no_such_hook/ });
});

const NOT_HERE = refusedHere === undefined ? false : `this kernel takes no such program: ${refusedHere}`;

test('what the verifier refuses is told in its words', { skip: NOT_HERE }, () => {
  const load = (): LsmProgram => new LsmProgram(kernelTypes(), 'mmap_file', new Code().load(8, 0, 9, 0).bytes());
  assert.throws(load, { name: 'SystemError', code: 'BPF-REFUSED', message: /R9 !read_ok/ });
});

test('where the kernel refuses programs at hooks, it is told why', {
  skip: refusedHere === undefined ? 'this kernel takes them' : false,
}, () => {
  const load = (): unknown => {
    using program = new LsmProgram(kernelTypes(), 'mmap_file', new Code().exit(0).bytes());
    return program.isAttached;
  };
  assert.throws(load, (error) => error instanceof SystemError && error.message === refusedHere);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) assert.doesNotMatch(refusedHere ?? '', /CAP_/, 'root is not told to become root');
});
