"""Sends datagrams as libtlsrpt does: report_load.py SOCKET DATAGRAMS DOMAINS. Prints the seconds that it took.

The socket blocks, so the receiver sets the pace and nothing is lost. Every tenth session fails.
"""

import socket
import sys
import time

path, datagrams, domains = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

OK = (
    '{"d": "d%d.example","pr": "v=TLSRPTv1; rua=mailto:tlsrpt@d%d.example","policies":[{"policy-type":2,'
    '"policy-domain": "d%d.example","policy-string":["version: STSv1","mode: enforce","mx: mx1.d%d.example",'
    '"max_age: 86400"],"mx-host":["mx1.d%d.example"],%s"t":%d,"f":%d}]}'
)
FAILURE = (
    '"failure-details":[{"c":202,"s": "192.0.2.1","n": "mx1.d%d.example","h": "250-mx\\r\\n250-PIPELINING\\r\\n'
    '250 CHUNKING","r": "192.0.2.15"}],'
)

messages = []
for i in range(min(datagrams, domains)):
    failed = i % 10 == 9
    detail = FAILURE % i if failed else ""
    messages.append((OK % (i, i, i, i, i, detail, failed, failed)).encode())

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.connect(path)
start = time.monotonic()
for i in range(datagrams):
    receiver.send(messages[i % domains])
print(time.monotonic() - start)
