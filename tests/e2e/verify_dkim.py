"""Verifies the mails among the files that are TLS reports, by the record given. Prints `N of M`."""

import sys

import dkim

record = sys.argv[1].encode()
messages = [open(path, "rb").read() for path in sys.argv[2:]]
reports = [message for message in messages if b"\nTLS-Report-Domain:" in message]
good = [dkim.verify(message, dnsfunc=lambda name, timeout=5: record) for message in reports]
print(f"{good.count(True)} of {len(good)}")
