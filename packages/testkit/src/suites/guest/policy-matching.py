#!/usr/bin/python3
"""Makes a file for each line of `cases`, loads `policy`, accesses each file as its line says, and tells what IMA did."""
import ctypes
import itertools
import mmap
import os
import re

import ima

READ_IMPLIES_EXEC = 0x0400000
libc = ctypes.CDLL(None, use_errno=True)


def make_file_systems():
    for line in open('filesystems').read().splitlines():
        name, kind, uuid = line.split('\t')
        if kind == 'tmpfs':
            os.makedirs('/m/' + name)
            ima.run('mount', '-t', 'tmpfs', 'tmpfs', '/m/' + name)
        else:
            ima.make_ext4('/m/' + name, '-N', '8192', '-U', uuid)


def read_cases():
    names = ('index', 'fs', 'owner', 'group', 'mode', 'kind', 'subject')
    for line in open('cases').read().splitlines():
        yield dict(zip(names, line.split('\t')))


def path_of(case):
    return '/m/%s/c%s' % (case['fs'], case['index'])


def make_files(cases):
    program = open('program', 'rb').read()
    for case in cases:
        with open(path_of(case), 'wb') as file:
            file.write(program)
        os.chown(path_of(case), int(case['owner']), int(case['group']))
        os.chmod(path_of(case), int(case['mode'], 8))


FLAGS = {
    'r': os.O_RDONLY,
    'w': os.O_WRONLY,
    'rw': os.O_RDWR,
    'a': os.O_WRONLY | os.O_APPEND,
    'ra': os.O_RDWR | os.O_APPEND,
    'rt': os.O_RDONLY | os.O_TRUNC,
    'path': os.O_PATH,
    'map': os.O_RDONLY,
    'map-exec': os.O_RDONLY,
    'map-implied': os.O_RDONLY,
}


def access(case):
    kind = case['kind']
    if kind == 'exec':
        status = os.spawnv(os.P_WAIT, path_of(case), ['program'])
        return 'exit %d' % status
    file = os.open(path_of(case), FLAGS[kind])
    if kind in ('w', 'rw', 'a', 'ra'):
        os.write(file, b'x')
    if kind.startswith('map'):
        implied = kind == 'map-implied'
        if implied:
            libc.personality(READ_IMPLIES_EXEC)
        protection = mmap.PROT_READ | (mmap.PROT_EXEC if kind == 'map-exec' else 0)
        mmap.mmap(file, 64, mmap.MAP_PRIVATE, protection).close()
        if implied:
            libc.personality(0)
    os.close(file)
    return 'ok'


def become(subject):
    ruid, euid, suid, rgid, egid, sgid = map(int, subject.split(','))
    os.setgroups([])
    os.setresgid(rgid, egid, sgid)
    os.setresuid(ruid, euid, suid)


def access_all(subject, cases, outcomes):
    """In a process of its own with the ids of the subject."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        become(subject)
        with os.fdopen(writer, 'w') as out:
            for case in cases:
                try:
                    outcome = access(case)
                except OSError as error:
                    outcome = 'E%d' % error.errno
                print(case['index'], outcome, sep='\t', file=out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        outcomes.update(line.rstrip('\n').split('\t') for line in lines)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit('the accesses of %s ended early' % subject)


def measured():
    """PCR and template of the entries of each case, in their order."""
    entries = {}
    with open(ima.SECURITY + 'ascii_runtime_measurements') as lines:
        for line in lines:
            found = re.search(r'/m/\w+/c(\d+)(?: |$)', line)
            if found:
                words = line.split()
                entries.setdefault(found[1], []).append('%s:%s' % (words[0], words[2]))
    return entries


def audited():
    """What the audit records say of each case: causes of failed appraisals, and how often its digest was recorded."""
    causes, digests = {}, {}
    for line in ima.audit_log():
        cause = re.search(r'audit: type=1800 .* op=appraise_data cause=(\S+) .*name="/m/\w+/c(\d+)"', line)
        if cause:
            causes.setdefault(cause[2], []).append(cause[1])
        digest = re.search(r'audit: type=1805 .* file="/m/\w+/c(\d+)" hash=', line)
        if digest:
            digests[digest[1]] = digests.get(digest[1], 0) + 1
    return causes, digests


def is_labelled(case):
    try:
        return len(os.getxattr(path_of(case), 'security.ima')) > 0
    except OSError:
        return False


make_file_systems()
cases = list(read_cases())
make_files(cases)
ima.load_policy()
outcomes = {}
for subject, group in itertools.groupby(cases, key=lambda case: case['subject']):
    access_all(subject, list(group), outcomes)
ima.end()
entries = measured()
causes, digests = audited()
with open('out/results', 'w') as out:
    for case in cases:
        index = case['index']
        label = 'label' if is_labelled(case) else '-'
        row = [index, outcomes[index], ','.join(entries.get(index, [])), ','.join(causes.get(index, []))]
        print(*row, digests.get(index, 0), label, sep='\t', file=out)
