#!/usr/bin/python3
"""Mounts the image of labelled files, loads keys and `policy`, accesses each file as told, and tells what the kernel answered."""
import array
import fcntl
import gzip
import os
import re
import subprocess

import ima

EVM = '/sys/kernel/security/evm'
FS_IOC_GETVERSION = 0x80087601


def mount():
    with open('image', 'wb') as image:
        image.write(gzip.decompress(open('image.gz', 'rb').read()))
    ima.mount_image(os.path.abspath('image'), '/m')


def load_keys():
    """Which certificates a kernel takes depends on its algorithms; the engine was started with those."""
    if not ima.BY_KERNEL:
        return []
    ima.run('keyctl', 'link', '@u', '@s')
    rings = [ima.run('keyctl', 'newring', name, '@u').decode().strip() for name in ('_ima', '_evm')]
    taken = []
    for name in sorted(os.listdir('.')):
        if name.endswith('.der'):
            done = [
                subprocess.run(('keyctl', 'padd', 'asymmetric', '', ring), input=open(name, 'rb').read(), capture_output=True)
                for ring in rings
            ]
            if all(one.returncode == 0 for one in done):
                taken.append(name)
    return taken


def start_evm(flags):
    ima.run('keyctl', 'padd', 'user', 'kmk', '@u', input=open('kmk', 'rb').read())
    ima.run('keyctl', 'add', 'encrypted', 'evm-key', 'load ' + open('evm-key').read().strip(), '@u')
    with open(EVM, 'w') as evm:
        evm.write(flags)


def read_files():
    for line in open('files').read().splitlines():
        path, *_, accesses = line.split('\t')
        yield '/m/' + path, accesses.split(',')


def values_of(path):
    names = [name for name in sorted(os.listxattr(path)) if name.startswith(('security.', 'user.'))]
    return {name: os.getxattr(path, name).hex() for name in names}


def state(path):
    file = os.open(path, os.O_RDONLY)
    version = array.array('l', [0])
    fcntl.ioctl(file, FS_IOC_GETVERSION, version)
    found = os.fstat(file)
    content = os.read(file, found.st_size).hex()
    os.close(file)
    row = [found.st_ino, version[0] & 0xffffffff, found.st_uid, found.st_gid, '%o' % found.st_mode, content]
    return row + ['%s=%s' % pair for pair in values_of(path).items()]


def access(path, kind):
    try:
        if kind == 'exec':
            status = os.spawnv(os.P_WAIT, path, ['program'])
            return 'ok' if status == 0 else 'denied' if status == 127 else 'S%d' % status
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND if kind == 'write' else os.O_RDONLY))
        return 'ok'
    except OSError as error:
        return 'denied' if error.errno == ima.DENIED else 'E%d' % error.errno


def records():
    """The audit records of appraisals, by file."""
    found = {}
    for line in ima.audit_log():
        one = re.search(r'audit: type=1800 .* op=(\S+) cause=(\S+) .*name="(?:/m/\d+/)?(c\d+)".* res=(\d)', line)
        if one:
            found.setdefault(one[3], []).append(':'.join((one[1], one[2], one[4])))
    return found


mount()
files = list(read_files())
# Debian's 6.1.192 panics when a file is created while an EVM key is loaded.
out = {name: open('out/' + name, 'w') for name in ('keys', 'states', 'answers')}
for path, _ in files:
    print(*state(path), sep='\t', file=out['states'])
for name in load_keys():
    print(name, file=out['keys'])
flags = open('evm').read()
if flags != '' and ima.BY_KERNEL:
    start_evm(flags)
ima.load_policy()
answers = {path: [access(path, kind) for kind in accesses] for path, accesses in files}
ima.end()
told = records()
for path, _ in files:
    values = values_of(path)
    name = os.path.basename(path)
    row = (path[len('/m/'):], ','.join(answers[path]), ','.join(told.get(name, [])))
    print(*row, values.get('security.ima', ''), values.get('security.evm', ''), sep='\t', file=out['answers'])
for file in out.values():
    file.close()
