import { ByteWriter } from '@assay/core/bytes';

/** exit(0): xor edi, edi; mov eax, 60; syscall */
const CODE = Uint8Array.of(0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05);
const IDENTITY = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const BASE = 0x40_0000n;
const HEADER_SIZE = 64;
const SEGMENT_SIZE = 56;
const READ_AND_EXECUTE = 5;

/** The smallest program that an x86-64 kernel runs by itself (elf(5)): static, one segment, mapped executable. */
export function tinyProgram(): Uint8Array {
  const start = HEADER_SIZE + SEGMENT_SIZE;
  const size = BigInt(start + CODE.length);
  const elf = new ByteWriter({ littleEndian: true }).bytes(IDENTITY);
  elf.u16(2).u16(62).u32(1);
  elf
    .u64(BASE + BigInt(start))
    .u64(BigInt(HEADER_SIZE))
    .u64(0n)
    .u32(0);
  elf.u16(HEADER_SIZE).u16(SEGMENT_SIZE).u16(1).u16(0).u16(0).u16(0);
  elf.u32(1).u32(READ_AND_EXECUTE);
  return elf.u64(0n).u64(BASE).u64(BASE).u64(size).u64(size).u64(0x1000n).bytes(CODE).finish();
}
