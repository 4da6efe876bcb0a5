"""What programs of guests bring back from the TPM: the values of its PCRs, and a quote by a key of its own over them."""
import os
import subprocess

BANKS = ('sha1', 'sha256', 'sha384', 'sha512')
SYSFS = '/sys/class/tpm/tpm0/'


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, 'TPM2TOOLS_TCTI': 'device:/dev/tpmrm0'})
    if done.returncode != 0:
        raise SystemExit('%s: %s' % (' '.join(words), done.stderr))
    return done.stdout


def quote(nonce, pcrs):
    """Leaves the key in ak.pub, the quote in quote.msg and its signature in quote.sig."""
    run('tpm2_createek', '-c', '/tmp/ek.ctx', '-G', 'ecc')
    run('tpm2_flushcontext', '-t')
    key = ('-G', 'ecc', '-g', 'sha256', '-s', 'ecdsa', '-f', 'tss', '-u', 'out/ak.pub', '-n', '/tmp/ak.name')
    run('tpm2_createak', '-C', '/tmp/ek.ctx', '-c', '/tmp/ak.ctx', *key)
    run('tpm2_flushcontext', '-t')
    signed = ('-m', 'out/quote.msg', '-s', 'out/quote.sig', '-g', 'sha256')
    run('tpm2_quote', '-c', '/tmp/ak.ctx', '-l', '+'.join('%s:%s' % (bank, pcrs) for bank in BANKS), '-q', nonce, *signed)


def keep_pcrs():
    """Leaves a line for each PCR in pcrs."""
    with open('out/pcrs', 'w') as out:
        for bank in BANKS:
            for index in range(24):
                value = open('%spcr-%s/%d' % (SYSFS, bank, index)).read().strip().lower()
                print('%s:%d %s' % (bank, index, value), file=out)


def keep(source, name):
    with open(source, 'rb') as file, open('out/' + name, 'wb') as out:
        out.write(file.read())
