#!/usr/bin/python3
"""Makes the files that `files` tells of, loads `policy`, accesses each file as told, and tells what the kernel answered."""
import mmap
import os
import re

import ima


def read_files():
    names = ('index', 'owner', 'label', 'verity', 'accesses')
    for line in open('files').read().splitlines():
        yield dict(zip(names, line.split('\t')))


def path_of(file):
    return '/m/c' + file['index']


def make(file, program):
    path = path_of(file)
    with open(path, 'wb') as out:
        out.write(program)
    os.chown(path, int(file['owner']), 0)
    os.chmod(path, 0o755)
    if file['label'] != '':
        try:
            os.setxattr(path, 'security.ima', bytes.fromhex(file['label']))
        except OSError:
            pass  # What the file has then is told as its first label.
    if file['verity'] == 'verity':
        ima.run('fsverity', 'enable', path)


def label_of(file):
    try:
        return os.getxattr(path_of(file), 'security.ima').hex()
    except OSError:
        return ''


def access(path, kind):
    try:
        if kind == 'exec':
            status = os.spawnv(os.P_WAIT, path, ['program'])
            return 'ok' if status == 0 else 'denied'
        file = os.open(path, os.O_WRONLY | os.O_APPEND if kind == 'write' else os.O_RDONLY)
        try:
            if kind == 'map':
                mmap.mmap(file, 64, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()
        finally:
            os.close(file)
        return 'ok'
    except OSError as error:
        return 'denied' if error.errno == ima.DENIED else 'E%d' % error.errno


def records():
    """The audit records of appraisals, by file."""
    found = {}
    for line in ima.audit_log():
        one = re.search(r'audit: type=1800 .* op=(\S+) cause=(\S+) .*name="(?:/m/)?c(\d+)".* res=(\d)', line)
        if one and one[1] != 'set_data':
            found.setdefault(one[3], []).append(':'.join((one[1], one[2], one[4])))
    return found


ima.make_directory('/m')
ima.add_certificates('_ima')
files = list(read_files())
program = open('program', 'rb').read()
for file in files:
    make(file, program)
firsts = {file['index']: label_of(file) for file in files}
ima.load_policy()
answers = {file['index']: [access(path_of(file), kind) for kind in file['accesses'].split(',')] for file in files}
ima.end()
told = records()
with open('out/answers', 'w') as out:
    for file in files:
        index = file['index']
        row = (index, firsts[index], ','.join(answers[index]), ','.join(told.get(index, [])), label_of(file))
        print(*row, sep='\t', file=out)
