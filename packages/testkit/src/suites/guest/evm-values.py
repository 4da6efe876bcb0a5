#!/usr/bin/python3
"""Loads the EVM key that `evm-key` holds, makes the changes of `changes` to files, and tells their metadata after each."""
import array
import fcntl
import os
import subprocess

EVM = '/sys/kernel/security/evm'
FS_IOC_GETVERSION = 0x80087601


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit('%s: %s' % (' '.join(words), done.stderr))
    return done.stdout.rstrip('\n')


def make_file_system(uuid):
    run('modprobe', 'loop')
    os.mkdir('/m')
    run('truncate', '-s', '64M', '/lab/image')
    run('mke2fs', '-q', '-t', 'ext4', '-N', '8192', '-U', uuid, '/lab/image')
    run('mount', '-o', 'loop', '/lab/image', '/m')


def load_keys(master):
    run('keyctl', 'link', '@u', '@s')
    run('keyctl', 'add', 'user', 'kmk', master, '@u')
    run('keyctl', 'add', 'encrypted', 'evm-key', 'load ' + open('evm-key').read().strip(), '@u')
    with open('out/made', 'w') as out:
        for size in open('sizes').read().split():
            key = run('keyctl', 'add', 'encrypted', 'made-' + size, 'new user:kmk ' + size, '@u')
            print(run('keyctl', 'pipe', key), file=out)
    with open(EVM, 'w') as evm:
        evm.write('1')


def change(path, words):
    kind, *rest = words
    if kind == 'create':
        return
    if kind == 'write':
        with open(path, 'ab') as file:
            file.write(b'x')
    elif kind == 'chmod':
        os.chmod(path, int(rest[0], 8))
    elif kind == 'chown':
        os.chown(path, int(rest[0]), int(rest[1]))
    elif kind == 'set':
        os.setxattr(path, rest[0], bytes.fromhex(rest[1]))
    elif rest[0] in os.listxattr(path):
        os.removexattr(path, rest[0])


def state(path):
    file = os.open(path, os.O_RDONLY)
    version = array.array('l', [0])
    fcntl.ioctl(file, FS_IOC_GETVERSION, version)
    found = os.fstat(file)
    os.close(file)
    row = [found.st_ino, version[0] & 0xffffffff, found.st_uid, found.st_gid, '%o' % found.st_mode]
    names = [name for name in sorted(os.listxattr(path)) if name.startswith(('security.', 'user.'))]
    return row + ['%s=%s' % (name, os.getxattr(path, name).hex()) for name in names]


def create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


uuid, master = open('setup').read().split()
make_file_system(uuid)
lines = open('changes').read().splitlines()
# Debian's 6.1.192 panics when a file is created while an EVM key is loaded.
for name in ('/lab/out/made', '/lab/out/states'):
    create(name)
for line in lines:
    if line.endswith('\tcreate'):
        create('/m/f' + line.split('\t')[0])
load_keys(master)
with open('out/states', 'w') as out:
    for line in lines:
        index, *words = line.split('\t')
        path = '/m/f' + index
        try:
            change(path, words)
        except OSError as error:
            raise SystemExit('%s: %s' % (line, error))
        print(*state(path), sep='\t', file=out)
