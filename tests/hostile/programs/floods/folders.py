# promise: folders in folders are limited, and are gone afterwards
import os

for number in range(300):
    os.mkdir("a-folder-with-a-name-of-some-length")
    os.chdir("a-folder-with-a-name-of-some-length")
    if number % 100 == 0:
        os.chmod(".", 0o300)
