#!/usr/bin/python3
"""Enables fs-verity on the files of the images, loads keys and `policy`, reads each file, and tells what the kernel answered."""
import ctypes
import fcntl
import gzip
import os
import re
import struct
import subprocess

IMA = '/sys/kernel/security/ima/'
FS_IOC_ENABLE_VERITY = 0x40806685
FS_IOC_MEASURE_VERITY = 0xC0046686
FS_IOC_READ_VERITY_METADATA = 0xC0286687
DESCRIPTOR = 2
HASHES = {'sha256': 1, 'sha512': 2}


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, **more)
    if done.returncode != 0:
        raise SystemExit('%s: %s' % (' '.join(words), done.stderr))
    return done.stdout


def read_files():
    for line in open('files').read().splitlines():
        path, salt, index, fs_block, owner, size, content, algorithm, block_size, signed_salt, alteration = line.split('\t')
        yield {
            'path': '/m/' + path,
            'salt': bytes.fromhex(salt),
            'fs': fs_block,
            'algorithm': algorithm,
            'block_size': int(block_size),
            'is_enabled': alteration != 'not enabled',
        }


def mount(name):
    with open('image-' + name, 'wb') as image:
        image.write(gzip.decompress(open('image-%s.gz' % name, 'rb').read()))
    os.makedirs('/m/mounts/' + name)
    run('mount', '-o', 'loop', 'image-' + name, '/m/mounts/' + name)
    run('mount', '--bind', '/m/mounts/%s/%s' % (name, name), '/m/' + name)


def load_keys():
    """Which certificates a kernel takes depends on its algorithms."""
    run('keyctl', 'link', '@u', '@s')
    ring = run('keyctl', 'newring', '_ima', '@u').decode().strip()
    taken = []
    for name in sorted(os.listdir('.')):
        if name.endswith('.der'):
            words = ('keyctl', 'padd', 'asymmetric', '', ring)
            if subprocess.run(words, input=open(name, 'rb').read(), capture_output=True).returncode == 0:
                taken.append(name)
    return taken


def enable(file):
    salt = ctypes.create_string_buffer(file['salt'], max(1, len(file['salt'])))
    words = (1, HASHES[file['algorithm']], file['block_size'], len(file['salt']))
    argument = struct.pack('=4IQIIQ', *words, ctypes.addressof(salt), 0, 0, 0).ljust(128, b'\0')
    opened = os.open(file['path'], os.O_RDONLY)
    try:
        fcntl.ioctl(opened, FS_IOC_ENABLE_VERITY, argument)
        return 'ok'
    except OSError as error:
        return 'E%d' % error.errno
    finally:
        os.close(opened)


def digest_and_descriptor(file):
    opened = os.open(file['path'], os.O_RDONLY)
    try:
        answer = bytearray(struct.pack('=HH', 0, 64) + bytes(64))
        fcntl.ioctl(opened, FS_IOC_MEASURE_VERITY, answer)
        number, size = struct.unpack_from('=HH', answer)
        buffer = ctypes.create_string_buffer(256)
        request = bytearray(struct.pack('=5Q', DESCRIPTOR, 0, 256, ctypes.addressof(buffer), 0))
        length = fcntl.ioctl(opened, FS_IOC_READ_VERITY_METADATA, request)
        return '%d:%s' % (number, answer[4 : 4 + size].hex()), buffer.raw[:length].hex()
    except OSError as error:
        if error.errno != 61:
            raise
        return '', ''
    finally:
        os.close(opened)


def load_policy():
    policy = os.open(IMA + 'policy', os.O_WRONLY)
    for rule in open('policy', 'rb').read().splitlines(keepends=True):
        os.lseek(policy, 0, os.SEEK_SET)
        os.write(policy, rule)
    os.close(policy)


def access(path):
    try:
        with open(path, 'rb') as file:
            file.read(1)
        return 'ok'
    except OSError as error:
        return 'denied' if error.errno == 13 else 'E%d' % error.errno


def records():
    """The audit records of appraisals, by file."""
    found = {}
    log = run('dmesg').decode(errors='replace')
    for line in log.splitlines():
        one = re.search(r'audit: type=1800 .* op=(\S+) cause=(\S+) .*name="(?:/m/[^"]*/)?(c\d+)".* res=(\d)', line)
        if one:
            found.setdefault(one[3], []).append(':'.join((one[1], one[2], one[4])))
    return found


with open('/proc/sys/kernel/printk_ratelimit', 'w') as file:
    file.write('0')
run('modprobe', 'loop')
files = list(read_files())
for name in sorted(set(file['fs'] for file in files)):
    os.makedirs('/m/' + name)
    mount(name)
for file in files:
    file['enabled'] = enable(file) if file['is_enabled'] else ''
    file['facts'] = digest_and_descriptor(file)
    file['label'] = os.getxattr(file['path'], 'security.ima').hex()
with open('out/keys', 'w') as out:
    for name in load_keys():
        print(name, file=out)
load_policy()
for file in files:
    file['answers'] = ','.join((access(file['path']), access(file['path'])))
run('sleep', '2')  # Audit records are printed by a thread of the kernel.
told = records()
with open('out/answers', 'w') as out:
    for file in files:
        name = os.path.basename(file['path'])
        row = (name, file['enabled'], *file['facts'], file['label'], file['answers'], ','.join(told.get(name, [])))
        print(*row, sep='\t', file=out)
with open(IMA + 'binary_runtime_measurements', 'rb') as lines, open('out/list', 'wb') as out:
    out.write(lines.read())
