#!/usr/bin/python3
"""Makes the files that `files` tells of, loads `policy`, reads each file, and brings lists, PCR values and a quote back."""
import os

from tpm_values import keep, keep_pcrs, quote, run

IMA = '/sys/kernel/security/ima/'


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
        run('fsverity', 'enable', *file['verity'].split(), os.fsdecode(path))


def load_policy():
    policy = os.open(IMA + 'policy', os.O_WRONLY)
    for rule in open('policy', 'rb').read().splitlines(keepends=True):
        os.lseek(policy, 0, os.SEEK_SET)
        os.write(policy, rule)
    os.close(policy)


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


files = list(read_files())
for file in files:
    make(file)
os.sync()
load_policy()
for file in files:
    access(file)
nonce, pcrs = open('quote').read().split()
quote(nonce, pcrs)
keep_pcrs()
for name in sorted(os.listdir(IMA)):
    if 'runtime_measurements' in name or name == 'violations':
        keep(IMA + name, name)
