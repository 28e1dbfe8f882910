# promise: nothing is said to another program by way of the kernel, netlink(7)
import socket

for protocol in range(1, 32):
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        try:
            speaker = socket.socket(socket.AF_NETLINK, kind, protocol)
        except OSError:
            continue
        print("LOOT", protocol, speaker)
socket.if_nameindex()
