# promise: no escape sequence gets to a terminal
import sys

sys.stdout.write("\x1b[2J\x1b[H\x1b]0;title\x07\x1b]52;c;eA==\x07\x9b31m\x1b[8m\r\x08")
sys.stdout.write("this is child, pid = \x1b[32m1\x1b[0m, parent id = 2\n")
raise SystemExit("\x1b[?1049h\x1bc")
