# promise: no program speaks to the world outside
import socket

for family, address in (
    (socket.AF_INET, ("192.0.2.1", 9)),
    (socket.AF_INET6, ("2001:db8::1", 9)),
):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind) as client:
                client.setblocking(False)
                client.connect(address)
                client.send(b"x")
        except BlockingIOError:
            print("LOOT", family, kind, "is on its way")
        except OSError:
            continue
        else:
            print("LOOT", family, kind)
