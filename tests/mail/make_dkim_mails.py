"""Makes tests/vectors/dkim_mails.json: mails signed by dkimpy (python3-dkim) and by opendkim, with the key records, and what dkimpy makes of each.

Usage: python3 tests/mail/make_dkim_mails.py > tests/vectors/dkim_mails.json

It needs dkimpy, PyNaCl, cryptography and opendkim. The suite needs none of them.
"""

import base64
import json
import pathlib
import subprocess
import tempfile
import time

import dkim
import nacl.signing
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import rsa

SIGNED_AT = int(time.time())  # opendkim has no other clock
DOMAIN = b"sender.test"
time.time = lambda: SIGNED_AT

HEADERS = [
    b"Received: from a.sender.test by mx.a.test; Sat, 28 Nov 2026 08:40:00 +0000",
    b"From: \"Reports, automatic\" <tls@mail.sender.test>",
    b"To: tls-reports@a.test",
    b"Subject: Report Domain: a.test\r\n\tSubmitter: sender.test\r\n  Report-ID:   <2026.11.27@sender.test>  ",
    b"TLS-Report-Domain: a.test",
    b"TLS-Report-Submitter:   sender.test",
    b"Date: Sat, 28 Nov 2026 08:39:59 +0000",
    b"MIME-Version: 1.0",
]
NAMES = [b"from", b"to", b"subject", b"date", b"tls-report-domain", b"tls-report-submitter"]

BODIES = {
    "plain": b"One line.\r\nAnother line.\r\n",
    "white space": b"  Two  blanks \t and a tab\t\r\n \t\r\nend \r\n",
    "empty": b"",
    "empty lines": b"\r\n\r\n\r\n",
    "empty lines at the end": b"text\r\n\r\n \r\n\r\n\r\n",
    "no line end": b"text without an end",
    "8-bit": b"Gr\xc3\xbc\xc3\x9fe\r\n\xff\xfe\x00\r\n",
    "bare CR": b"a\rb\r\r\nc\r\n",
    "long": b"".join(b"%d %s\r\n" % (i, b"x" * (i % 90)) for i in range(300)),
}


def make_rsa(bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key):
    return key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.TraditionalOpenSSL, ser.NoEncryption())


def spki(key):
    der = key.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def pkcs1(key):
    der = key.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.PKCS1)
    return base64.b64encode(der).decode()


KEYS = {str(bits): make_rsa(bits) for bits in (1024, 2048, 4096, 8192)}
ED25519 = nacl.signing.SigningKey.generate()
ED25519_P = base64.b64encode(bytes(ED25519.verify_key)).decode()
RSA = KEYS["2048"]
P = spki(RSA)

RECORDS = {f"rsa{bits}": [f"v=DKIM1; k=rsa; p={spki(key)}"] for bits, key in KEYS.items()}
RECORDS |= {
    "ed25519": [f"v=DKIM1; k=ed25519; p={ED25519_P}"],
    "bare": [f"p={P}"],
    "pkcs1": [f"v=DKIM1; p={pkcs1(RSA)}"],
    "folded": [f"v=DKIM1 ; k=rsa;\tp= {P[:100]} {P[100:]} ; n=a note;"],
    "beside": ["v=spf1 -all", f"v=DKIM1; k=rsa; p={P}"],
    "wrong": [f"v=DKIM1; p={spki(make_rsa(2048))}"],
    "revoked": ["v=DKIM1; p="],
    "email": [f"v=DKIM1; s=email; p={P}"],
    "tlsrpt": [f"v=DKIM1; s=tlsrpt; p={P}"],
    "both": [f"v=DKIM1; s=email:tlsrpt; p={P}"],
    "any": [f"v=DKIM1; s=*; p={P}"],
    "sha1": [f"v=DKIM1; h=sha1; p={P}"],
    "sha256": [f"v=DKIM1; h=sha1:sha256; p={P}"],
    "strict": [f"v=DKIM1; t=s; p={P}"],
    "testing": [f"v=DKIM1; t=y; p={P}"],
    "other": [f"v=DKIM2; p={P}"],
    "late": [f"k=rsa; v=DKIM1; p={P}"],
    "type": [f"v=DKIM1; k=ed25519; p={ED25519_P}"],
    "twice": [f"v=DKIM1; p={P}", f"v=DKIM1; p={P}"],
    "repeated": [f"v=DKIM1; p={P}; p={P}"],
    "damaged": ["v=DKIM1; p=AAAA"],
    "nothing": [],
}

mails = []


def sign(body=BODIES["plain"], selector="rsa2048", key=None, headers=None, names=None, tags=(), **options):
    """Signs; `tags` are set in the signature beside those of dkimpy."""
    original = dkim.DKIM.gen_header

    def gen_header(self, fields, *args, **kwargs):
        names_set = {name for name, _ in tags}
        fields[:] = [field for field in fields if field[0] not in names_set]
        fields[-1:-1] = list(tags)
        return original(self, fields, *args, **kwargs)

    dkim.DKIM.gen_header = gen_header
    message = b"\r\n".join(headers or HEADERS) + b"\r\n\r\n" + body
    is_ed25519 = key is ED25519
    private = base64.b64encode(bytes(ED25519)) if is_ed25519 else pem(key or RSA)
    options.setdefault("canonicalize", (b"relaxed", b"relaxed"))
    try:
        signature = dkim.sign(
            message,
            selector.encode(),
            DOMAIN,
            private,
            include_headers=names or NAMES,
            signature_algorithm=b"ed25519-sha256" if is_ed25519 else b"rsa-sha256",
            **options,
        )
    finally:
        dkim.DKIM.gen_header = original
    return signature + message


def keep(name, mail, expected="valid"):
    """`expected`: valid, or a word of src/mail/dkim_fault.ts."""

    def lookup(name, timeout=5):
        selector = name.decode().split("._domainkey.")[0]
        records = RECORDS.get(selector) or []
        return records[0].encode() if records else None

    try:
        verdict = dkim.verify(mail, dnsfunc=lookup, tlsrpt=True)
    except Exception:  # noqa: BLE001, it has many
        verdict = False
    octets = base64.b64encode(mail).decode()
    mails.append({"name": name, "expected": expected, "dkimpy": verdict, "mail": octets})


def lines(mail):
    """As a mail box stores it."""
    return mail.replace(b"\r\n", b"\n")


for header in (b"simple", b"relaxed"):
    for body in (b"simple", b"relaxed"):
        form = f"{header.decode()}/{body.decode()}"
        for name, text in BODIES.items():
            mail = sign(text, canonicalize=(header, body))
            keep(f"{form}, {name}", mail)
            if b"\r\r" not in mail:
                keep(f"{form}, {name}, bare LF", lines(mail))
        keep(f"{form}, Ed25519", sign(selector="ed25519", key=ED25519, canonicalize=(header, body)))

for bits, key in KEYS.items():
    keep(f"RSA of {bits} bits", sign(selector=f"rsa{bits}", key=key))
for bits in (512, 768):
    # What cannot be made any more: the key alone decides.
    small = subprocess.run(
        ["openssl", "genrsa", "-traditional", str(bits)], capture_output=True, check=True
    ).stdout
    public = subprocess.run(
        ["openssl", "rsa", "-pubout", "-outform", "DER"], input=small, capture_output=True, check=True
    ).stdout
    RECORDS[f"rsa{bits}"] = [f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"]
    message = b"\r\n".join(HEADERS) + b"\r\n\r\n" + BODIES["plain"]
    signature = dkim.sign(
        message, f"rsa{bits}".encode(), DOMAIN, small,
        canonicalize=(b"relaxed", b"relaxed"), include_headers=NAMES,
    )
    keep(f"RSA of {bits} bits", signature + message, "key-small")

good = sign()
over = sign(names=NAMES + [b"from", b"subject", b"reply-to"])
keep("body cut", good[:-10], "body")
keep("body with more", good + b"more\r\n", "body")
keep("body with empty lines more", good + b"\r\n\r\n")
keep("header altered", good.replace(b"Submitter:   sender.test", b"Submitter:   rival.test"), "signature")
keep("header folded anew", good.replace(b"To: tls", b"TO:\r\n\ttls"))
keep("simple, header folded anew", sign(canonicalize=(b"simple", b"simple")).replace(b"To: tls", b"To:\r\n\ttls"), "signature")
keep("unsigned field altered", good.replace(b"MIME-Version: 1.0", b"MIME-Version: 2.0"))
keep("unsigned field added", b"X-Spam: no\r\n" + good)
keep("second Subject on top", b"Subject: other\r\n" + good)
keep("second Subject below", good.replace(b"\r\nDate:", b"\r\nSubject: other\r\nDate:"), "signature")
keep("second From on top", b"From: rival@rival.test\r\n" + good)
keep("over-signed", over)
keep("over-signed, second From on top", b"From: rival@rival.test\r\n" + over, "signature")
keep("over-signed, Reply-To added", b"Reply-To: rival@rival.test\r\n" + over, "signature")
repeated = HEADERS + [b"X-Way: b.sender.test", b"X-Way: c.sender.test"]
twice = sign(headers=repeated, names=NAMES + [b"x-way", b"x-way"])
keep("repeated fields from the bottom", twice)
keep("repeated fields in another order", twice.replace(b"b.sender", b"@@").replace(b"c.sender", b"b.sender").replace(b"@@", b"c.sender"), "signature")
keep("first signature broken, second good", sign(body=b"other\r\n").split(b"\r\nReceived:")[0] + b"\r\n" + good)
keep("l=", sign(length=True), "length")
keep("l= and text added", sign(length=True) + b"added\r\n", "length")
keep("x= ahead", sign(tags=[(b"x", b"%d" % (SIGNED_AT + 604800))]))
keep("x= past", sign(tags=[(b"t", b"%d" % (SIGNED_AT - 700000)), (b"x", b"%d" % (SIGNED_AT - 100))]), "expired")
keep("x= before t=", sign(tags=[(b"x", b"%d" % (SIGNED_AT - 1))]), "syntax")
keep("t= ahead", sign(tags=[(b"t", b"%d" % (SIGNED_AT + 90000))]), "future")
keep("i= below d=", sign(identity=b"x@mail.sender.test"))
keep("i= elsewhere", sign(tags=[(b"i", b"@rival.test")]), "identity")
keep("i= below d=, t=s", sign(selector="strict", identity=b"x@mail.sender.test"), "identity")
keep("i= is d=, t=s", sign(selector="strict", identity=b"x@sender.test"))
keep("From not signed", good.replace(b"h=from : ", b"h="), "from-unsigned")
keep("bh= altered", sign(tags=[(b"bh", base64.b64encode(b"0" * 32))]), "body")
for selector, expected in (
    ("bare", "valid"), ("pkcs1", "valid"), ("folded", "valid"), ("beside", "valid"), ("any", "valid"), ("tlsrpt", "valid"),
    ("both", "valid"), ("sha256", "valid"), ("testing", "valid"), ("wrong", "signature"), ("revoked", "revoked"),
    ("email", "key-service"), ("sha1", "key-hash"), ("other", "no-key"), ("late", "no-key"), ("type", "key-type"),
    ("twice", "several-keys"), ("repeated", "key-syntax"), ("damaged", "key-syntax"), ("nothing", "no-key"),
):
    keep(f"key record: {selector}", sign(selector=selector), expected)

with tempfile.TemporaryDirectory() as directory:
    key_file = pathlib.Path(directory, "key.pem")
    key_file.write_bytes(pem(RSA))
    for form in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
        config = pathlib.Path(directory, "opendkim.conf")
        config.write_text(
            f"Mode s\nDomain sender.test\nSelector rsa2048\nKeyFile {key_file}\nRequireSafeKeys false\n"
            f"SignatureAlgorithm rsa-sha256\nCanonicalization {form}\nSocket inet:0@127.0.0.1\n"
            "InternalHosts 0.0.0.0/0\nOversignHeaders From\nSubDomains yes\n"
        )
        for name, text in BODIES.items():
            if name in ("bare CR", "8-bit", "no line end"):
                continue  # its test mode reads lines of text
            message = b"\r\n".join(HEADERS) + b"\r\n\r\n" + text
            file = pathlib.Path(directory, "mail")
            file.write_bytes(message)
            done = subprocess.run(
                ["opendkim", "-x", config, "-t", file, "-vvv"], capture_output=True, check=False
            )
            output = done.stdout + done.stderr
            if b"INSHEADER" not in output:
                raise SystemExit(output.decode())
            value = output.split(b"hname='DKIM-Signature' hvalue='")[1].split(b"'")[0]
            field = b"DKIM-Signature: " + value.replace(b"\n", b"\r\n") + b"\r\n"
            keep(f"opendkim {form}, {name}", field + message)

print(json.dumps({"now": SIGNED_AT, "domain": "sender.test", "records": RECORDS, "mails": mails}, indent=1))
