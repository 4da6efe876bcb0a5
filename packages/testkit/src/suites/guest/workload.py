#!/usr/bin/python3
"""Makes the files that `files` tells of, loads `policy`, takes each file through its steps, and tells what came of each."""
import array
import fcntl
import os
import re

import ima
from tpm_values import keep


def read_files():
    names = ('index', 'owner', 'content', 'label', 'steps')
    for line in open('files').read().splitlines():
        file = dict(zip(names, line.split('\t')))
        file['path'] = '/m/w' + file['index']
        file['content'] = bytes.fromhex(file['content'])
        yield file


def make(file):
    path = file['path']
    with open(path, 'wb') as out:
        out.write(file['content'])
    os.chown(path, int(file['owner']), 0)
    os.chmod(path, 0o755)
    if file['label'] != '':
        os.setxattr(path, 'security.ima', bytes.fromhex(file['label']))


def opened(file, flags):
    return os.open(file['path'], flags)


def write(file, flags, data):
    target = opened(file, flags)
    os.write(target, data)
    os.close(target)


def execute(file):
    if os.spawnv(os.P_WAIT, file['path'], ['program']) != 0:
        raise OSError(ima.DENIED, 'it does not run')


def both(file, first, second):
    """Two openings, of which the first goes on while the second comes."""
    outer = opened(file, first)
    try:
        os.close(opened(file, second))
    finally:
        os.close(outer)


def make_anew(file, path):
    """By its owner."""
    os.seteuid(int(file['owner']))
    try:
        write({'path': path}, os.O_CREAT | os.O_EXCL | os.O_WRONLY, b'new')
    finally:
        os.seteuid(0)


def create(file):
    os.unlink(file['path'])
    make_anew(file, file['path'])


def replace(file):
    """By a new file that gets its name."""
    path = file['path'] + '.new'
    try:
        make_anew(file, path)
        os.rename(path, file['path'])
    except OSError:
        if os.path.exists(path):
            os.unlink(path)
        raise


def link(file):
    """Read by its name, whose answer the engine gives when it is done with whoever wrote before; then by a second one."""
    path = file['path'] + '.link'
    os.close(opened(file, os.O_RDONLY))
    os.link(file['path'], path)
    try:
        os.close(os.open(path, os.O_RDONLY))
    finally:
        os.unlink(path)


def mark(descriptor, flag):
    flags = array.array('l', [0])
    fcntl.ioctl(descriptor, FS_IOC_GETFLAGS, flags)
    flags[0] = flags[0] ^ flag
    fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, flags)


def immutable(file):
    """Read while it has the attribute, and not only then."""
    outer = opened(file, os.O_RDONLY)
    mark(outer, FS_IMMUTABLE_FL)
    try:
        os.close(opened(file, os.O_RDONLY))
    finally:
        mark(outer, FS_IMMUTABLE_FL)
        os.close(outer)


FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IMMUTABLE_FL = 0x10
# A label that fits no content.
NO_DIGEST = '0404' + 32 * '00'
APPENDING = os.O_WRONLY | os.O_APPEND
STEPS = {
    'chmod': lambda file: os.chmod(file['path'], 0o700),
    'unlabel': lambda file: os.removexattr(file['path'], 'security.ima'),
    'relabel': lambda file: os.setxattr(file['path'], 'security.ima', bytes.fromhex(file['label'] or NO_DIGEST)),
    'read': lambda file: os.close(opened(file, os.O_RDONLY)),
    'exec': execute,
    'touch': lambda file: os.close(opened(file, os.O_WRONLY)),
    'append': lambda file: write(file, APPENDING, b'x'),
    'change': lambda file: write(file, os.O_RDWR, file['content'][:1]),
    'rewrite': lambda file: write(file, os.O_WRONLY | os.O_TRUNC, file['content'] + b'r'),
    'read-writing': lambda file: both(file, APPENDING, os.O_RDONLY),
    'write-reading': lambda file: both(file, os.O_RDONLY, APPENDING),
    'create': create,
    'replace': replace,
    'link': link,
    'immutable': immutable,
}


def outcome_of(step, file):
    try:
        STEPS[step](file)
        return 'ok'
    except OSError as error:
        return 'denied' if error.errno == ima.DENIED else 'E%d' % error.errno


def count():
    return int(open(ima.SECURITY + 'runtime_measurements_count').read())


def records():
    """Of appraisals, by file."""
    found = {}
    for line in ima.audit_log():
        one = re.search(r'audit: type=1800 .* op=(\S+) cause=(\S+) .*name="(?:/m/)?w(\d+)".* res=(\d)', line)
        if one and one[1] != 'set_data':
            found.setdefault(one[3], []).append(':'.join((one[1], one[2], one[4])))
    return found


def label_of(file):
    try:
        return os.getxattr(file['path'], 'security.ima').hex()
    except OSError:
        return ''


ima.make_directory('/m')
os.chmod('/m', 0o777)
ima.add_certificates('_ima')
files = list(read_files())
for file in files:
    make(file)
ima.load_policy()
first = count()
rows = []
for file in files:
    for step in file['steps'].split(','):
        rows.append((file['index'], step, outcome_of(step, file), count()))
ima.end()
told = records()
with open('out/steps', 'w') as out:
    print(first, file=out)
    for row in rows:
        print(*row, sep='\t', file=out)
with open('out/ends', 'w') as out:
    for file in files:
        index = file['index']
        print(index, ','.join(told.get(index, [])), label_of(file), sep='\t', file=out)
for name in sorted(os.listdir(ima.SECURITY)):
    if name.startswith('binary_runtime_measurements'):
        keep(ima.SECURITY + name, name)
