#!/usr/bin/python3
"""Asks the kernel about each line of `rules`, without loading any: a bogus line makes it drop the load."""
import os

POLICY = '/sys/kernel/security/ima/policy'
RULES_PER_LOAD = 100

# What a module would bring is not part of the kernel that is asked.
with open('/proc/sys/kernel/modprobe', 'w') as modprobe:
    modprobe.write('/bin/false')

with open('rules', 'rb') as file:
    rules = file.read().split(b'\n')[:-1]


def verdict(policy, rule):
    try:
        os.write(policy, rule)
        return 'ok'
    except OSError as error:
        return 'E%d' % error.errno


with open('out/verdicts', 'w') as out:
    for first in range(0, len(rules), RULES_PER_LOAD):
        policy = os.open(POLICY, os.O_WRONLY)
        for rule in rules[first:first + RULES_PER_LOAD]:
            os.lseek(policy, 0, os.SEEK_SET)
            print(verdict(policy, rule + b'\n'), file=out)
        os.lseek(policy, 0, os.SEEK_SET)
        if verdict(policy, b'bogus\n') == 'ok':
            raise SystemExit('the kernel took a bogus rule')
        os.close(policy)
