# The parent reads with asyncio; its event loop is made after the fork.
import asyncio
import os
import sys
import time


def send(write_end, count, interval):
    with open(write_end, "w", encoding="ascii") as pipe:
        for n in range(1, count + 1):
            print(n, file=pipe, flush=True)
            time.sleep(interval)


async def receive(read_end):
    lines = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(read_end, "rb")
    )
    async for line in lines:
        print("received :", line.decode().rstrip(), flush=True)
    transport.close()
    print("close.", flush=True)


def main(count="10", interval="0.5"):
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        send(write_end, int(count), float(interval))
        os._exit(0)
    os.close(write_end)
    asyncio.run(receive(read_end))
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
