#!/usr/bin/python3
"""Makes the files that `files` tells of, loads `policy`, reads each file, and brings lists, PCR values and a quote back."""
import os

import ima
from tpm_values import keep, keep_pcrs, quote


def read_files():
    names = ('index', 'owner', 'kind', 'path', 'size', 'ima', 'evm', 'verity')
    for line in open('files').read().splitlines():
        file = dict(zip(names, line.split('\t')))
        file['path'] = bytes.fromhex(file['path'])
        yield file


def content(file):
    size = int(file['size'])
    unit = b'%s\n' % file['index'].encode()
    return (unit * (size // len(unit) + 1))[:size]


def make(file):
    path = file['path']
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as out:
        out.write(content(file))
    os.chown(path, int(file['owner']), int(file['index']))
    os.chmod(path, 0o644)
    for name in ('ima', 'evm'):
        if file[name] != '':
            os.setxattr(path, 'security.' + name, bytes.fromhex(file[name]))
    if file['verity'] != '':
        ima.run('fsverity', 'enable', *file['verity'].split(), os.fsdecode(path))


def access(file):
    path = file['path']
    if file['kind'] == 'open-writer':
        with open(path, 'ab'), open(path, 'rb'):
            pass
    elif file['kind'] == 'tomtou':
        with open(path, 'rb'), open(path, 'ab'):
            pass
    else:
        with open(path, 'rb') as opened:
            opened.read(1)


ima.make_directory('/m')
files = list(read_files())
for file in files:
    make(file)
ima.load_policy()
for file in files:
    access(file)
if ima.BY_KERNEL:
    nonce, pcrs = open('quote').read().split()
    quote(nonce, pcrs)
    keep_pcrs()
ima.end()
for name in sorted(os.listdir(ima.SECURITY)):
    if 'runtime_measurements' in name or name == 'violations':
        keep(ima.SECURITY + name, name)
